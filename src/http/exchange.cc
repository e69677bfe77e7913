#include "http/exchange.h"

#include <algorithm>
#include <cstring>

namespace bulkhead::http {
namespace {

// At most this much of the next request can come with the end of a chunked body.
constexpr std::size_t kChunkedRead = 64 << 10;
constexpr std::size_t kReadAllStart = 2 << 10;
constexpr std::size_t kReadAllStep = 256 << 10;

}  // namespace

Exchange::Exchange(const Limits& limits, net::Stream& stream, RequestParser& parser, InputBuffer& input,
                   std::string_view address)
    : limits_(limits), stream_(stream), parser_(parser), input_(input), chunks_(limits), address_(address) {
  body_done_ = !request().has_body();
}

// Only time spent waiting for the client counts: a disk that is slow to take the body is no fault of his.
async::Task<Result<std::size_t>> Exchange::read_within_rate(std::span<std::byte> into) {
  const auto needed = limits_.body_rate * static_cast<std::uint64_t>(limits_.body_grace.count()) / 1000;
  for (;;) {
    if (window_ >= limits_.body_grace) {
      if (window_bytes_ < needed) co_return Error{Errc::timeout, "the request's body arrives too slowly"};
      window_ = std::chrono::nanoseconds(0);
      window_bytes_ = 0;
    }
    const net::Instant start = std::chrono::steady_clock::now();
    const auto grace = limits_.body_grace - window_;
    const bool pauses = pause_ && *pause_ < grace;
    stream_.set_deadline(start + (pauses ? *pause_ : grace));
    auto count = co_await stream_.read_some(into);
    stream_.clear_deadline();
    window_ += std::chrono::steady_clock::now() - start;
    if (count) {
      window_bytes_ += *count;
      co_return *count;
    }
    if (count.error().code != Errc::timeout)
      co_return Error{Errc::interrupted, "the client went away before its request was over"};
    stream_.recover();
    paused_ = pauses;
    if (paused_) co_return std::size_t{0};
  }
}

async::Task<Result<std::size_t>> Exchange::read_sized(std::span<std::byte> into) {
  const std::uint64_t left = *request().content_length - body_bytes_;
  into = into.first(std::min<std::uint64_t>(into.size(), left));
  const std::string_view ready = input_.unread();
  std::size_t count = std::min(ready.size(), into.size());
  if (count > 0) {
    std::memcpy(into.data(), ready.data(), count);
    input_.begin += count;
  } else {
    auto read = co_await read_within_rate(into);
    if (!read) co_return read.error();
    if (*read == 0 && paused_) co_return std::size_t{0};
    if (*read == 0) co_return Error{Errc::interrupted, "the request's body ended before its stated length"};
    count = *read;
  }
  body_bytes_ += count;
  body_done_ = body_bytes_ == *request().content_length;
  co_return count;
}

// What came with the head is decoded first; the rest goes from the socket into the caller's buffer and is
// decoded there.
async::Task<Result<std::size_t>> Exchange::read_chunked(std::span<std::byte> into) {
  for (;;) {
    std::string_view raw = input_.unread();
    const bool with_head = !raw.empty();
    if (!with_head) {
      const auto space = into.first(std::min(into.size(), kChunkedRead));
      auto count = co_await read_within_rate(space);
      if (!count) co_return count.error();
      if (*count == 0 && paused_) co_return std::size_t{0};
      if (*count == 0) co_return Error{Errc::interrupted, "the request's body ended before its last chunk"};
      raw = as_text(space.first(*count));
    }
    const auto decoded = chunks_.decode(raw, into);
    if (!decoded) co_return Error{Errc::invalid_argument, "the request's chunked encoding is malformed"};
    if (with_head)
      input_.begin += decoded->consumed;
    else
      leftover_ = raw.substr(decoded->consumed);
    body_bytes_ += decoded->produced;
    body_done_ = chunks_.done();
    if (decoded->produced > 0 || body_done_) co_return decoded->produced;
  }
}

async::Task<Result<std::size_t>> Exchange::read_body(std::span<std::byte> into) {
  if (failure_) co_return *failure_;
  if (body_done_ || into.empty()) co_return std::size_t{0};
  if (!body_started_) {
    body_started_ = true;
    if (request().expect_continue) {
      auto sent = co_await stream_.write(limits_.idle_timeout, as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
      stream_.clear_deadline();
      if (!sent) failure_ = Error{Errc::interrupted, "the client went away before it sent its body"};
      if (!sent) co_return *failure_;
    }
  }
  // Not a conditional expression: GCC 12 destroys what co_await yields inside one twice.
  Result<std::size_t> count = std::size_t{0};
  if (request().chunked)
    count = co_await read_chunked(into);
  else
    count = co_await read_sized(into);
  if (!count) failure_ = count.error();
  co_return count;
}

async::Task<Result<std::size_t>> Exchange::read_body(std::span<std::byte> into,
                                                     std::chrono::milliseconds pause) {
  paused_ = false;
  pause_ = pause;
  auto count = co_await read_body(into);
  pause_.reset();
  if (!count || *count > 0) paused_ = false;
  co_return count;
}

async::Task<Result<std::string>> Exchange::read_all(std::size_t limit, BodyMemory::Lease* lease) {
  const auto too_large = [&] {
    return Error{Errc::too_large, "the request's body is larger than " + std::to_string(limit) + " bytes"};
  };
  if (request().content_length.value_or(0) > limit) co_return too_large();
  std::string body;
  std::size_t used = 0;
  while (!body_done_) {
    if (used > limit) co_return too_large();
    if (used == body.size()) {
      // Twice as much as has come, so that a body that is only announced takes next to nothing.
      std::size_t more = std::clamp(used, kReadAllStart, kReadAllStep);
      if (request().content_length) more = std::min<std::size_t>(more, *request().content_length - used);
      more = std::min(more, limit + 1 - used);
      if (lease != nullptr)
        if (auto held = lease->hold(used + more); !held) co_return held.error();
      body.resize(used + more);
    } else if (lease != nullptr) {
      // Also while it trickles in.
      if (auto held = lease->hold(body.size()); !held) co_return held.error();
    }
    auto count = co_await read_body(std::as_writable_bytes(std::span(body).subspan(used)));
    if (!count) co_return count.error();
    used += *count;
  }
  body.resize(used);
  if (body.size() > limit) co_return too_large();
  co_return body;
}

}  // namespace bulkhead::http

#include "http/exchange.h"

#include <algorithm>
#include <cstring>

namespace bulkhead::http {
namespace {

constexpr std::size_t kChunkedBuffer = 64 << 10;

}  // namespace

Exchange::Exchange(const Limits& limits, net::Stream& stream, RequestParser& parser, InputBuffer& input,
                   std::string_view address)
    : limits_(limits), stream_(stream), parser_(parser), input_(input), address_(address) {
  body_done_ = !request().has_body();
  if (request().chunked) {
    chunks_.bytes = input_.unread();
    input_.begin = input_.bytes.size();
  }
}

async::Task<Result<std::size_t>> Exchange::read_within_rate(std::span<std::byte> into) {
  for (;;) {
    const net::Instant now = std::chrono::steady_clock::now();
    if (window_bytes_ == 0 && window_start_ == net::Instant{}) window_start_ = now;
    const net::Instant window_end = window_start_ + limits_.body_grace;
    if (now >= window_end) {
      const auto needed = limits_.body_rate * static_cast<std::uint64_t>(limits_.body_grace.count()) / 1000;
      if (window_bytes_ < needed) co_return Error{Errc::timeout, "the request's body arrives too slowly"};
      window_start_ = now;
      window_bytes_ = 0;
      continue;
    }
    stream_.set_deadline(window_end);
    auto count = co_await stream_.read_some(into);
    stream_.clear_deadline();
    if (count) {
      window_bytes_ += *count;
      co_return *count;
    }
    if (count.error().code != Errc::timeout) co_return count.error();
    stream_.recover();
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
    if (*read == 0) co_return Error{Errc::unavailable, "the request's body ended before its stated length"};
    count = *read;
  }
  body_bytes_ += count;
  body_done_ = body_bytes_ == *request().content_length;
  co_return count;
}

async::Task<Result<std::size_t>> Exchange::read_chunked(std::span<std::byte> into) {
  for (;;) {
    const auto decoded = parser_.decode(chunks_.unread(), into);
    if (!decoded) co_return Error{Errc::invalid_argument, "the request's chunked encoding is malformed"};
    chunks_.begin += decoded->consumed;
    body_bytes_ += decoded->produced;
    body_done_ = decoded->done;
    if (decoded->produced > 0 || decoded->done) co_return decoded->produced;

    // A chunk header must fit the buffer; a longer one (extensions without end) is an attack.
    chunks_.bytes.erase(0, chunks_.begin);
    chunks_.begin = 0;
    const std::size_t had = chunks_.bytes.size();
    if (had >= kChunkedBuffer) co_return Error{Errc::invalid_argument, "a chunk's header is too long"};
    chunks_.bytes.resize(kChunkedBuffer);
    auto read = co_await read_within_rate(std::as_writable_bytes(std::span(chunks_.bytes).subspan(had)));
    chunks_.bytes.resize(had + (read ? *read : 0));
    if (!read) co_return read.error();
    if (*read == 0) co_return Error{Errc::unavailable, "the request's body ended before its last chunk"};
  }
}

async::Task<Result<std::size_t>> Exchange::read_body(std::span<std::byte> into) {
  if (body_done_ || into.empty()) co_return std::size_t{0};
  if (!body_started_) {
    body_started_ = true;
    if (request().expect_continue) {
      auto sent = co_await stream_.write(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
      if (!sent) co_return sent.error();
    }
  }
  // Not a conditional expression: GCC 12 destroys what co_await yields inside one twice.
  Result<std::size_t> count = std::size_t{0};
  if (request().chunked)
    count = co_await read_chunked(into);
  else
    count = co_await read_sized(into);
  broken_ = !count;
  co_return count;
}

async::Task<Result<std::string>> Exchange::read_all(std::size_t limit) {
  const auto too_large = [&] {
    return Error{Errc::too_large, "the request's body is larger than " + std::to_string(limit) + " bytes"};
  };
  if (request().content_length.value_or(0) > limit) co_return too_large();
  std::string body;
  while (!body_done_) {
    const std::size_t had = body.size();
    if (had > limit) co_return too_large();
    body.resize(had + std::min<std::size_t>(limit + 1 - had, kChunkedBuffer));
    auto count = co_await read_body(std::as_writable_bytes(std::span(body).subspan(had)));
    if (!count) co_return count.error();
    body.resize(had + *count);
  }
  if (body.size() > limit) co_return too_large();
  co_return body;
}

}  // namespace bulkhead::http

#include "api/transfer.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>

namespace bulkhead::api {
namespace {

// A new lease takes at most this part of what is left, so that there is always some left.
constexpr std::uint64_t kShare = 64;

// Fills the buffer unless the body ends first.
async::Task<Result<std::size_t>> fill(http::Exchange& exchange, std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size() && !exchange.body_done()) {
    auto count = co_await exchange.read_body(into.subspan(filled));
    if (!count) {
      // What came before the failure is still worth keeping; the next call reports the failure.
      if (filled > 0) break;
      co_return count.error();
    }
    filled += *count;
  }
  co_return filled;
}

async::Task<Result<void>> append(async::OffloadPool& pool, registry::Uploads::Writer& writer, Bytes bytes) {
  co_return co_await async::offload(pool, [&writer, bytes] { return writer.append(bytes); });
}

}  // namespace

TransferMemory::Lease::Lease(TransferMemory& memory, std::size_t size)
    : memory_(memory), size_(size), bytes_(new std::byte[2 * size]) {
  memory_.used_ += 2 * size_;
}

TransferMemory::Lease::~Lease() { memory_.used_ -= 2 * size_; }

std::unique_ptr<TransferMemory::Lease> TransferMemory::lease(std::optional<std::uint64_t> expected) {
  const std::uint64_t used = used_;
  const std::uint64_t left = total_ > used ? total_ - used : 0;
  std::uint64_t size = std::clamp<std::uint64_t>(left / kShare, kSmallest, kLargest);
  if (expected) size = std::clamp<std::uint64_t>(*expected, 1, size);
  return std::make_unique<Lease>(*this, static_cast<std::size_t>(size));
}

async::Task<Result<void>> receive(http::Exchange& exchange, registry::Uploads::Writer& writer, TransferMemory& memory,
                                  async::OffloadPool& pool, std::optional<std::uint64_t> limit) {
  using namespace boost::asio::experimental::awaitable_operators;
  if (exchange.body_done()) co_return Result<void>();
  const auto lease = memory.lease(exchange.request().content_length);
  std::uint64_t received = 0;
  bool second = false;
  auto filled = co_await fill(exchange, lease->buffer(second));
  for (;;) {
    if (!filled) co_return filled.error();
    if (*filled == 0) co_return Result<void>();
    received += *filled;
    if (limit && received > *limit)
      co_return Error{Errc::size_invalid, "the body is longer than its Content-Range says"};
    const Bytes ready = lease->buffer(second).first(*filled);
    if (exchange.body_done()) co_return co_await append(pool, writer, ready);
    second = !second;
    auto [next, appended] =
        co_await (fill(exchange, lease->buffer(second)) && append(pool, writer, ready));
    if (!appended) co_return appended.error();
    filled = std::move(next);
  }
}

}  // namespace bulkhead::api

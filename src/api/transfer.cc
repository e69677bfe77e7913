#include "api/transfer.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <new>

#include "async/started.h"

namespace bulkhead::api {
namespace {

// A new lease takes at most this part of what is left, so that there is always some left.
constexpr std::uint64_t kShare = 64;

// Bytes that have come wait so long for more before they are written down: a client that resumes elsewhere is
// told of them, and goes on behind them.
constexpr std::chrono::milliseconds kPause{500};

// Fills the buffer unless the body ends or pauses first.
async::Task<Result<std::size_t>> fill(http::Exchange& exchange, std::span<std::byte> into) {
  std::size_t filled = 0;
  while (filled < into.size() && !exchange.body_done()) {
    // Not a conditional expression: GCC 12 destroys what co_await yields inside one twice.
    Result<std::size_t> count = std::size_t{0};
    if (filled > 0)
      count = co_await exchange.read_body(into.subspan(filled), kPause);
    else
      count = co_await exchange.read_body(into);
    if (count && *count == 0 && exchange.paused()) break;
    if (!count) {
      // What came before the failure is still worth keeping; the next call reports the failure.
      if (filled > 0) break;
      co_return count.error();
    }
    filled += *count;
  }
  co_return filled;
}

}  // namespace

// Both buffers begin where a file system takes them for direct writing.
std::size_t TransferMemory::Lease::stride() const {
  return (size_ + kAlignment - 1) / kAlignment * kAlignment;
}

void TransferMemory::Lease::Free::operator()(std::byte* bytes) const {
  ::operator delete[](bytes, std::align_val_t{kAlignment});
}

TransferMemory::Lease::Lease(TransferMemory& memory, std::size_t size)
    : memory_(memory), size_(size), bytes_(new (std::align_val_t{kAlignment}) std::byte[2 * stride()]) {
  memory_.used_ += 2 * size_;
}

TransferMemory::Lease::~Lease() { memory_.used_ -= 2 * size_; }

std::unique_ptr<TransferMemory::Lease> TransferMemory::lease(std::optional<std::uint64_t> expected) {
  const std::uint64_t used = used_;
  const std::uint64_t left = total_ > used ? total_ - used : 0;
  std::uint64_t size = std::clamp<std::uint64_t>(left / kShare, kSmallest, kLargest);
  size -= size % kAlignment;
  if (expected) size = std::clamp<std::uint64_t>(*expected, 1, size);
  return std::make_unique<Lease>(*this, static_cast<std::size_t>(size));
}

async::Task<Result<void>> receive(http::Exchange& exchange, registry::Uploads::Writer& writer,
                                  TransferMemory& memory, async::FairPool::Seat& pool,
                                  std::optional<std::uint64_t> limit) {
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto lease = memory.lease(exchange.request().content_length);
  if (const auto stated = exchange.request().content_length; stated && *stated > 0) {
    // The answer to a body that cannot be taken comes before it, and before any "100 Continue".
    auto expected = co_await async::offload(pool, [&writer, &stated] { return writer.expect(*stated); });
    if (!expected) co_return expected.error();
  }
  std::uint64_t received = 0;
  bool second = false;
  auto filled = co_await fill(exchange, lease->buffer(second));
  while (filled && *filled > 0) {
    received += *filled;
    if (limit && received > *limit)
      co_return Error(Errc::size_invalid, "the body is longer than its Content-Range says");
    const Bytes ready = lease->buffer(second).first(*filled);
    async::Started<Result<void>> appending(executor, pool, [&writer, ready] { return writer.append(ready); });
    second = !second;
    filled = co_await fill(exchange, lease->buffer(second));
    auto appended = co_await appending.wait();
    if (!appended) co_return appended.error();
  }
  if (!filled) co_return filled.error();
  co_return Result<void>();
}

}  // namespace bulkhead::api

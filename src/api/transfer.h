// Receiving a body into an upload session with bounded memory: two buffers per transfer, one being filled
// from the network while the other is hashed and written on the offload pool. Buffers shrink as transfers
// multiply, so that the sum stays near the configured amount whatever the number of clients.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "async/fair_pool.h"
#include "async/offload.h"
#include "async/task.h"
#include "base/error.h"
#include "http/exchange.h"
#include "registry/uploads.h"

namespace bulkhead::api {

// Thread-safe.
class TransferMemory {
 public:
  static constexpr std::size_t kSmallest = 16 << 10;
  static constexpr std::size_t kLargest = 1 << 20;
  // Of the buffers, and of their size while the body is longer: what direct writing wants
  // (blob/staged_file.h).
  static constexpr std::size_t kAlignment = 4096;

  explicit TransferMemory(std::uint64_t total) : total_(total) {}

  // Two buffers of `size`; given back when it goes.
  class Lease {
   public:
    Lease(TransferMemory& memory, std::size_t size);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    std::size_t size() const { return size_; }
    std::span<std::byte> buffer(bool second) { return {bytes_.get() + (second ? stride() : 0), size_}; }

   private:
    struct Free {
      void operator()(std::byte* bytes) const;
    };
    std::size_t stride() const;

    TransferMemory& memory_;
    std::size_t size_;
    std::unique_ptr<std::byte[], Free> bytes_;
  };

  // `expected` is the body's length when it is known.
  std::unique_ptr<Lease> lease(std::optional<std::uint64_t> expected);
  std::uint64_t used() const { return used_; }

 private:
  const std::uint64_t total_;
  std::atomic<std::uint64_t> used_{0};
};

// Appends the rest of the exchange's body to the session. What arrived before an error stays appended: the
// client resumes from there. More than `limit` bytes: Errc::size_invalid.
async::Task<Result<void>> receive(http::Exchange& exchange, registry::Uploads::Writer& writer,
                                  TransferMemory& memory, async::FairPool::Seat& pool,
                                  std::optional<std::uint64_t> limit);

}  // namespace bulkhead::api

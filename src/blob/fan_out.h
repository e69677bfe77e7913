// The 256 directories of each algorithm, made when the first blob comes to them.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>

#include "blob/layout.h"
#include "blob/system_calls.h"

namespace bulkhead::blob {

// Thread-safe.
class FanOut {
 public:
  FanOut(std::shared_ptr<SystemCalls> calls, Layout layout)
      : calls_(std::move(calls)), layout_(std::move(layout)) {}

  // When it returns, the digest's directory exists durably. An existing one may have been made by a process
  // that was killed before it synced, so the first use of each in a process syncs the parent too.
  Result<void> ensure(const oci::Digest& digest);
  // The directory may have been removed: the next ensure() looks again.
  void forget(const oci::Digest& digest) { durable(digest).store(false, std::memory_order_release); }

 private:
  using Durable = std::array<std::atomic<bool>, 256>;

  std::atomic<bool>& durable(const oci::Digest& digest);

  std::shared_ptr<SystemCalls> calls_;
  Layout layout_;
  std::mutex mutex_;
  std::array<Durable, 2> durable_{};  // by algorithm and first byte of the hash
};

}  // namespace bulkhead::blob

#include "blob/fan_out.h"

#include <cerrno>

namespace bulkhead::blob {

std::atomic<bool>& FanOut::durable(const oci::Digest& digest) {
  return durable_.at(static_cast<std::size_t>(digest.algorithm()))
      .at(std::to_integer<std::size_t>(digest.hash().front()));
}

Result<void> FanOut::ensure(const oci::Digest& digest) {
  std::atomic<bool>& known = durable(digest);
  if (known.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(mutex_);
  if (known.load(std::memory_order_relaxed)) return {};
  const auto directory = layout_.fan_out(digest);
  if (calls_->mkdir(directory, 0700) != 0 && errno != EEXIST)
    return io_error("create directory", directory, errno);
  if (auto synced = sync_entries(*calls_, directory.parent_path()); !synced) return synced;
  known.store(true, std::memory_order_release);
  return {};
}

}  // namespace bulkhead::blob

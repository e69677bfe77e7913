#include "registry/upload_room.h"

#include <algorithm>
#include <limits>

namespace bulkhead::registry {

Result<UploadRoom::View> UploadRoom::look(std::int64_t namespace_id) {
  View view;
  {
    // Before the database is: what lands in between is counted twice.
    const std::lock_guard lock(mutex_);
    view.landed = counts_[namespace_id].landed;
  }
  auto looked = database_.read([&](db::Session& session) -> Result<void> {
    const auto rows =
        session.query("SELECT quota_bytes, used_bytes FROM namespaces WHERE id = ?", {namespace_id});
    if (!rows) return rows.error();
    if (rows->empty()) return {};
    view.quota.reset();
    if (!rows->front().is_null(0)) view.quota = static_cast<std::uint64_t>(rows->front().integer(0));
    view.used = static_cast<std::uint64_t>(std::max<std::int64_t>(rows->front().integer(1), 0));
    return {};
  });
  if (!looked) return looked.error();
  return view;
}

std::uint64_t UploadRoom::left(const Count& count, const View& view) const {
  if (!view.quota) return std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t taken = view.used + (count.landed - view.landed) + count.staged;
  return *view.quota > taken ? *view.quota - taken : 0;
}

std::uint64_t UploadRoom::left(std::int64_t namespace_id, const View& view) {
  const std::lock_guard lock(mutex_);
  return left(counts_[namespace_id], view);
}

std::uint64_t UploadRoom::staged(std::int64_t namespace_id) {
  const std::lock_guard lock(mutex_);
  return counts_[namespace_id].staged;
}

bool UploadRoom::take(std::int64_t namespace_id, const View& view, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  Count& count = counts_[namespace_id];
  if (bytes > left(count, view)) return false;
  count.staged += bytes;
  return true;
}

bool UploadRoom::take_again(std::int64_t namespace_id, const View& view, std::uint64_t size,
                            std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  Count& count = counts_[namespace_id];
  if (view.quota && count.again + bytes > std::max(*view.quota, size)) return false;
  count.again += bytes;
  return true;
}

void UploadRoom::add(std::int64_t namespace_id, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  counts_[namespace_id].staged += bytes;
}

void UploadRoom::give(std::int64_t namespace_id, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  counts_[namespace_id].staged -= bytes;
}

void UploadRoom::give_again(std::int64_t namespace_id, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  counts_[namespace_id].again -= bytes;
}

void UploadRoom::landed(std::int64_t namespace_id, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  counts_[namespace_id].landed += bytes;
}

}  // namespace bulkhead::registry

#include "blob/stage_table.h"

namespace bulkhead::blob {

bool StageTable::claim(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return claimed_.insert(id).second;
}

void StageTable::release(const std::string& id) {
  const std::lock_guard lock(mutex_);
  claimed_.erase(id);
}

void StageTable::park(const std::string& id, StagedFile file) {
  Parked closing;  // outlives the lock: closing a file may block
  const std::lock_guard lock(mutex_);
  parked_.emplace_back(id, std::move(file));
  by_id_.emplace(parked_.back().first, std::prev(parked_.end()));
  if (parked_.size() <= limit_) return;
  by_id_.erase(parked_.front().first);
  closing.splice(closing.end(), parked_, parked_.begin());
}

std::optional<StagedFile> StageTable::unpark(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  const auto position = found->second;
  by_id_.erase(found);
  std::optional<StagedFile> file(std::move(position->second));
  parked_.erase(position);
  return file;
}

std::optional<StageLease> StageLease::take(std::shared_ptr<StageTable> table, std::string_view id) {
  std::string name(id);
  if (!table->claim(name)) return std::nullopt;
  return StageLease(std::move(table), std::move(name));
}

StageLease::~StageLease() {
  if (table_) table_->release(id_);
}

}  // namespace bulkhead::blob

// Which stages are open, and the files of those that are not but were a moment ago.
//
// A chunked upload closes its stage after each request and opens it for the next. Keeping the file keeps the
// hash, so that the bytes are not read again at the end, and keeps the kernel's memory of failed writes to
// it.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/keyed_hash.h"
#include "blob/staged_file.h"

namespace bulkhead::blob {

// Thread-safe.
class StageTable {
 public:
  // `parked` bounds the files kept open; the one parked longest goes first.
  explicit StageTable(std::size_t parked) : limit_(parked) {}

  // True for the one holder of `id` until release().
  bool claim(const std::string& id);
  void release(const std::string& id);

  // Both by the holder.
  void park(const std::string& id, StagedFile file);
  std::optional<StagedFile> unpark(const std::string& id);

 private:
  using Parked = std::list<std::pair<std::string, StagedFile>>;

  const std::size_t limit_;
  std::mutex mutex_;
  std::unordered_set<std::string, KeyedHash, std::equal_to<>> claimed_;
  Parked parked_;  // longest first
  std::unordered_map<std::string_view, Parked::iterator, KeyedHash> by_id_;
};

// Holds a claim, and gives it back unless it is abandoned.
class StageLease {
 public:
  // None when `id` is held.
  static std::optional<StageLease> take(std::shared_ptr<StageTable> table, std::string_view id);
  StageLease(StageLease&& other) noexcept = default;
  StageLease& operator=(StageLease&&) = delete;
  ~StageLease();

  const std::string& id() const { return id_; }
  StageTable& table() const { return *table_; }
  // Keeps the id from being opened for as long as the process runs.
  void abandon() { table_.reset(); }

 private:
  StageLease(std::shared_ptr<StageTable> table, std::string id)
      : table_(std::move(table)), id_(std::move(id)) {}

  std::shared_ptr<StageTable> table_;
  std::string id_;
};

}  // namespace bulkhead::blob

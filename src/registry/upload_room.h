// What is staged for each namespace, and what of its quota that leaves. Internal to registry/.
//
// The database counts what a namespace holds; here is counted what is on its way, also between requests.
// Bytes that have landed are for a moment in neither or in both: views count them twice rather than not at
// all. Thread-safe; look() blocks.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "db/database.h"

namespace bulkhead::registry {

class UploadRoom {
 public:
  explicit UploadRoom(db::Database& database) : database_(database) {}

  // The namespace's quota and use as they were when it was looked at.
  struct View {
    std::optional<std::uint64_t> quota;
    std::uint64_t used = 0;
    std::uint64_t landed = 0;
  };
  Result<View> look(std::int64_t namespace_id);

  // Counts bytes that are about to be staged; false, and nothing is counted, when they do not fit.
  bool take(std::int64_t namespace_id, const View& view, std::uint64_t bytes);
  // The same for bytes of what the namespace holds already, `size` of it: they may be sent anew at any time,
  // and are staged beside the quota, as much as the quota or that size in all.
  bool take_again(std::int64_t namespace_id, const View& view, std::uint64_t size, std::uint64_t bytes);
  // Found staged at the start.
  void add(std::int64_t namespace_id, std::uint64_t bytes);
  // They are gone, or are about to be counted by the database.
  void give(std::int64_t namespace_id, std::uint64_t bytes);
  void give_again(std::int64_t namespace_id, std::uint64_t bytes);
  // The database counts them from now on.
  void landed(std::int64_t namespace_id, std::uint64_t bytes);
  std::uint64_t left(std::int64_t namespace_id, const View& view);
  // In all sessions together.
  std::uint64_t staged(std::int64_t namespace_id);

 private:
  struct Count {
    std::uint64_t staged = 0;
    std::uint64_t again = 0;
    std::uint64_t landed = 0;  // ever
  };
  std::uint64_t left(const Count& count, const View& view) const;

  db::Database& database_;
  std::mutex mutex_;
  std::map<std::int64_t, Count> counts_;
};

}  // namespace bulkhead::registry

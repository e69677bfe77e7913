// The journal of observations (pulls, denials, failed log-ins): append-only segment files, format in
// docs/formats/journal.md.
//
// append() is one plain write(2) of the record before the answer goes out: a killed process loses nothing, a power cut
// at most the last second (a background thread syncs each second). It takes about two microseconds and never waits for
// the disk, so it is called on the event loop. Full segments are sealed, compressed and indexed in the background.
// The journal has a budget of its own: past it the oldest sealed segments go; that, and any failed append, is logged
// and counted. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "audit/event.h"
#include "base/error.h"
#include "base/log.h"

namespace bulkhead::audit {

struct JournalLimits {
  std::uint64_t segment_bytes = 64ull << 20;
  std::uint64_t total_bytes = 10ull << 30;
};

class Journal {
 public:
  // Recovers: a torn record at the end of the last segment is cut off.
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& directory, const JournalLimits& limits,
                                               Log& log);
  virtual ~Journal() = default;
  virtual void append(const Event& event) = 0;
  virtual std::uint64_t failed_appends() const = 0;
};

}  // namespace bulkhead::audit

// The journal of observations (pulls, denials, failed log-ins): append-only segment files, format in
// docs/formats/journal.md.
//
// An append is one plain write(2) of the record before the answer goes out: a killed process loses nothing, a
// power cut at most the last second (a background thread syncs each second). It takes about two microseconds
// and never waits for the disk, so it is called on the event loop. Full segments are sealed, compressed and
// indexed in the background. The journal has a budget of its own: past it the oldest segments go; that, and
// any failed append, is logged and counted. Thread-safe. Processes that may run out of file size
// (RLIMIT_FSIZE) must ignore SIGXFSZ.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "audit/event.h"
#include "base/error.h"
#include "base/log.h"

namespace bulkhead::audit {

struct JournalLimits {
  std::uint64_t segment_bytes = 64ull << 20;  // at least 64 KiB
  std::uint64_t total_bytes = 10ull << 30;    // at least two segments
};

class Journal {
 public:
  // Creates the directory when it is missing, takes it for this process (Errc::conflict while another has
  // it), and recovers: a torn record at the end of the last segment is cut off. `log` outlives the journal.
  // Limits that are too small are Errc::invalid_argument.
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& directory,
                                               const JournalLimits& limits, Log& log);
  // Syncs what was appended.
  virtual ~Journal() = default;

  virtual void append(const Event& event) = 0;
  // The same for the hot path, which need not build strings.
  virtual void observe(const EventView& event) { append(to_event(event)); }

  // Events that were lost, such as to a full disk.
  virtual std::uint64_t failed_appends() const = 0;
  // Segments removed to stay within the budget.
  virtual std::uint64_t removed_segments() const { return 0; }
};

}  // namespace bulkhead::audit

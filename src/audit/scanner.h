// Walks the records of a run of segment bytes, stepping over damage to the next intact record. Everything it
// reads may be rotten or hostile; it keeps one window of bounded size in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "audit/record.h"

namespace bulkhead::audit {

struct ScannedRecord {
  std::uint64_t offset = 0;  // in the segment
  std::uint64_t end = 0;
  EventView event;  // its texts live until the next call of next()
  Bytes bytes;      // the record itself, as long
};

// Bytes that hold no record that can be read.
struct Gap {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool torn = false;  // they look like the beginning of a record whose rest is missing
};

// Not synchronised.
class RecordScanner {
 public:
  // Fills the buffer from the segment's bytes at `offset`; fewer only where they end.
  using Source = std::function<Result<std::size_t>(std::uint64_t offset, std::span<std::byte> buffer)>;

  // The segment's bytes [begin, end), through `source`, which must live as long as the scanner's.
  RecordScanner(Source source, std::uint32_t salt, std::uint64_t begin, std::uint64_t end);
  // Bytes in memory, which begin at `begin` in the segment and outlive the scanner.
  RecordScanner(Bytes bytes, std::uint32_t salt, std::uint64_t begin);

  // The next intact record, or nothing at the end. Fails only when the source does.
  Result<std::optional<ScannedRecord>> next();
  // What the last next() stepped over: damage when it returned a record, the unreadable tail when it did not.
  const std::optional<Gap>& gap() const { return gap_; }
  // Where the last intact record ended; the beginning when there was none.
  std::uint64_t intact_end() const { return intact_end_; }

 private:
  // Makes the window hold a whole record of the largest size at `offset`, or all that is left.
  Result<Bytes> at(std::uint64_t offset);

  Source source_;
  std::vector<std::byte> buffer_;
  Bytes window_;
  std::uint64_t window_begin_;
  std::uint64_t position_;
  std::uint64_t end_;
  std::uint64_t intact_end_;
  std::uint32_t salt_;
  std::optional<Gap> gap_;
};

}  // namespace bulkhead::audit

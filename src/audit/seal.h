// Sealing: a full segment becomes independently compressed frames and an index; docs/formats/journal.md,
// "Sealed segment".
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "base/error.h"

namespace bulkhead::audit {

inline constexpr std::size_t kMaxFrameBytes = std::size_t{256} << 10;

struct Sealed {
  std::uint64_t raw_bytes = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t records = 0;
  std::uint64_t damaged_bytes = 0;  // between records; kept as they are
  std::uint64_t cut_bytes = 0;      // after the last record; left out
};

// Replaces the raw segment by its sealed form. A crash at any point leaves the raw segment, the sealed one or
// both, and a reader finds each record once. `keep_going` is asked between frames; when it returns false,
// nothing has changed and nothing is returned. Errc::corrupt or Errc::unsupported, and nothing changed, when
// the segment's header cannot be read.
Result<std::optional<Sealed>> seal_segment(const std::filesystem::path& directory, std::uint64_t number,
                                           const std::function<bool()>& keep_going);

}  // namespace bulkhead::audit

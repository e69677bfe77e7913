// Puts a journal directory that a crash may have left in any state in order again; docs/formats/journal.md,
// "Recovery".
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/log.h"

namespace bulkhead::audit {

struct Recovered {
  // The segment to go on appending to, when the last one can be.
  struct Open {
    std::uint64_t number = 0;
    std::uint64_t size = 0;
    std::uint32_t salt = 0;
  };
  std::optional<Open> open;
  std::uint64_t last_number = 0;        // 0 when there are no segments
  std::vector<std::uint64_t> unsealed;  // complete raw segments, oldest first
};

// Needs the directory for itself. Time depends on the size of one segment, not on how much is stored.
Result<Recovered> recover(const std::filesystem::path& directory, Log& log);

}  // namespace bulkhead::audit

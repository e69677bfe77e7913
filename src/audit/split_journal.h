// One Journal over three: what accounts do, what is done anonymously, and what is refused, each in a journal
// with a budget of its own. However much strangers ask for, it pushes out nobody else's evidence; and what is
// refused is counted where it comes in floods (refusals.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "audit/journal.h"
#include "audit/refusals.h"
#include "base/log.h"

namespace bulkhead::audit {

struct SplitLimits {
  JournalLimits accounts;
  std::uint64_t anonymous_bytes = 0;  // 0: a fifth of the accounts'
  std::uint64_t refused_bytes = 0;    // 0: a tenth
  RefusalLimits refusals;
};

// As Journal::open(); the two further journals are in directories below.
Result<std::unique_ptr<Journal>> open_split_journal(const std::filesystem::path& directory,
                                                    const SplitLimits& limits, Log& log);

}  // namespace bulkhead::audit

// Wrong codes by account, whatever kind they are of: six digits are few, and whoever is asked for them has
// the password already.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

#include "base/clock.h"
#include "base/error.h"
#include "identity/secrets/attempts.h"

namespace bulkhead::identity {

// The defaults leave someone who has the password a chance of one in 1,400 a day to guess a TOTP code, three
// of which are right at any time.
struct CodeLimits {
  std::uint32_t attempts = 10;  // wrong ones within the window, then none is looked at until it passes
  std::chrono::seconds window{3600};
  std::size_t remembered = 100'000;  // accounts kept; the oldest are forgotten first
};

// Thread-safe. `clock` must outlive it.
class CodeLimiter {
 public:
  CodeLimiter(const Clock& clock, const CodeLimits& limits)
      : clock_(clock), attempts_(limits.attempts, limits.window, limits.remembered) {}

  // Runs `check`, which says whether the code is right. Errc::unauthenticated when it is not,
  // Errc::rate_limited without running it when too many were wrong or are being looked at, and the check's
  // own error, which counts as neither right nor wrong. A right code clears the account's count.
  Result<void> attempt(std::int64_t account, const std::function<Result<bool>()>& check);

 private:
  const Clock& clock_;
  std::mutex mutex_;
  Attempts attempts_;  // guarded by mutex_
};

}  // namespace bulkhead::identity

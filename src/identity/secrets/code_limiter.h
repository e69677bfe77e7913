// Wrong codes by account: six digits are few, and whoever is asked for them has the password already. Counted
// as guess_limiter.h says, so that who has only the password cannot keep the owner from their codes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

#include "base/clock.h"
#include "base/error.h"
#include "identity/secrets/guess_limiter.h"

namespace bulkhead::identity {

// Of an authenticator app's codes, three of which are right at any time: somebody who has the password, every
// network of the world and none in which the owner was seen has a chance of one in 460 a day to guess one,
// and of one in 1,400 from within each network where the owner was.
inline constexpr GuessLimits kCodeLimits{.per_source = 10,
                                         .window = std::chrono::hours(1),
                                         .in_all = 30,
                                         .window_in_all = std::chrono::hours(1),
                                         .per_network = 0};
// Of recovery codes, whose 80 random bits nobody guesses: what limits how often they are looked for.
inline constexpr GuessLimits kRecoveryLimits{
    .per_source = 10, .window = std::chrono::hours(1), .in_all = 0, .per_network = 0};

// Thread-safe. `clock` must outlive it.
class CodeLimiter {
 public:
  CodeLimiter(const Clock& clock, const GuessLimits& limits) : clock_(clock), guesses_(limits) {}

  // Runs `check`, which says whether the code is right. Errc::unauthenticated when it is not,
  // Errc::rate_limited without running it when too many were wrong or are being looked at, and the check's
  // own error, which counts as neither right nor wrong.
  Result<void> attempt(std::int64_t account, const GuessSource& source,
                       const std::function<Result<bool>()>& check);

  // The account's count begins anew.
  void forget(std::int64_t account);

 private:
  const Clock& clock_;
  std::mutex mutex_;
  GuessLimiter guesses_;  // guarded by mutex_
};

}  // namespace bulkhead::identity

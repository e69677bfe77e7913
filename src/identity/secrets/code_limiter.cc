#include "identity/secrets/code_limiter.h"

#include <fmt/format.h>

#include <optional>
#include <string>

namespace bulkhead::identity {

Result<void> CodeLimiter::attempt(std::int64_t account, const GuessSource& source,
                                  const std::function<Result<bool>()>& check) {
  const std::string subject = std::to_string(account);
  GuessLimiter::Guess guess;
  {
    const std::lock_guard lock(mutex_);
    const Time now = clock_.now();
    if (const auto wait = guesses_.refused_for(subject, source, now))
      return Error{Errc::rate_limited,
                   fmt::format("too many wrong codes; try again in {} seconds", wait->count()), *wait};
    if (!guesses_.has_room(subject, source, now))
      return Error{Errc::rate_limited, "too many codes are being checked at once; try again",
                   std::chrono::seconds(1)};
    guess = guesses_.begin(subject, source, now);
  }

  // Gives the place back, also when an exception passes.
  struct Place {
    CodeLimiter& limiter;
    const GuessLimiter::Guess& guess;
    const std::string& subject;
    const GuessSource& source;
    std::optional<bool> right;
    ~Place() {
      const std::lock_guard lock(limiter.mutex_);
      const Time now = limiter.clock_.now();
      if (!right) {
        limiter.guesses_.abandon(guess);
      } else if (*right) {
        limiter.guesses_.succeed(guess, subject, source, now);
      } else {
        limiter.guesses_.fail(guess, now);
      }
    }
  } place{*this, guess, subject, source, std::nullopt};

  const auto checked = check();
  if (!checked) return checked.error();
  place.right = *checked;
  if (!*checked) return Error{Errc::unauthenticated, "the code is wrong or was used"};
  return {};
}

void CodeLimiter::forget(std::int64_t account) {
  const std::string subject = std::to_string(account);
  const std::lock_guard lock(mutex_);
  guesses_.forget([&](std::string_view each) { return each == subject; }, false);
}

}  // namespace bulkhead::identity

#include "identity/secrets/code_limiter.h"

#include <fmt/format.h>

#include <optional>
#include <string>

namespace bulkhead::identity {

Result<void> CodeLimiter::attempt(std::int64_t account, const std::function<Result<bool>()>& check) {
  const std::string key = std::to_string(account);
  {
    const std::lock_guard lock(mutex_);
    const Time now = clock_.now();
    if (const auto wait = attempts_.refused_for(key, now))
      return Error{Errc::rate_limited,
                   fmt::format("too many wrong codes; try again in {} seconds", wait->count())};
    if (!attempts_.has_room(key, now))
      return Error{Errc::rate_limited, "too many codes are being checked at once; try again"};
    attempts_.begin(key, now);
  }

  // Gives the place back, also when an exception passes.
  struct Place {
    CodeLimiter& limiter;
    const std::string& key;
    std::optional<bool> right;
    ~Place() {
      const std::lock_guard lock(limiter.mutex_);
      if (!right) {
        limiter.attempts_.abandon(key);
      } else if (*right) {
        limiter.attempts_.succeed(key);
      } else {
        limiter.attempts_.fail(key, limiter.clock_.now());
      }
    }
  } place{*this, key, std::nullopt};

  const auto checked = check();
  if (!checked) return checked.error();
  place.right = *checked;
  if (!*checked) return Error{Errc::unauthenticated, "the code is wrong or was used"};
  return {};
}

}  // namespace bulkhead::identity

#include "identity/people/account_event.h"

#include <string>

namespace bulkhead::identity {

audit::Event account_event(const Clock& clock, audit::Action action, const Account& account,
                           const audit::Origin& origin, std::string_view detail) {
  return {.at = clock.now(),
          .action = action,
          .origin = origin,
          .repository = {},
          .target = account.name,
          .old_digest = {},
          .new_digest = {},
          .detail = std::string(detail)};
}

}  // namespace bulkhead::identity

// The shape that events about an account's own credentials share.
#pragma once

#include <string_view>

#include "audit/event.h"
#include "base/clock.h"
#include "identity/people/account.h"

namespace bulkhead::identity {

audit::Event account_event(const Clock& clock, audit::Action action, const Account& account,
                           const audit::Origin& origin, std::string_view detail = {});

}  // namespace bulkhead::identity

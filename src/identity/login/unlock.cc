#include "identity/login/unlock.h"

#include "audit/outbox.h"
#include "identity/people/account_event.h"

namespace bulkhead::identity {

Result<void> Unlock::unlock(std::string_view name, const audit::Origin& origin) {
  const auto account = accounts_.find(name);
  if (!account) return account.error();
  // The evidence first: what is lifted is in no transaction.
  const auto recorded = database_.write([&](db::Session& session) {
    return audit::record(session,
                         account_event(clock_, audit::Action::login_limits_lifted, *account, origin));
  });
  if (!recorded) return recorded.error();
  enabled(name);
  return {};
}

void Unlock::enabled(std::string_view name) {
  login_.lift(name);
  forget_codes(name);
}

void Unlock::password_changed(std::string_view name) {
  login_.forget(name);
  forget_codes(name);
}

void Unlock::forget_codes(std::string_view name) {
  const auto account = accounts_.find(name);
  if (!account) return;
  codes_.forget(account->id);
  recovery_.forget(account->id);
}

}  // namespace bulkhead::identity

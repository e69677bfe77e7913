// The first start's one-time token: it makes the first administrator, once, within an hour.
#pragma once

#include <optional>

#include "audit/event.h"
#include "base/secret.h"
#include "crypto/keyring.h"
#include "identity/people/accounts.h"

namespace bulkhead::identity {

class Setup {
 public:
  Setup(db::Database& database, const crypto::Keyring& keyring, Accounts& accounts, const Clock& clock);

  // While there is no account at all, a fresh token (replacing an earlier one): "bhsetup_" and 30 base62
  // characters and a 6 character checksum. The database keeps its keyed hash. Empty once an account exists.
  Result<std::optional<Secret<>>> issue();

  // Creates the administrator and burns the token in one transaction. Errc::unauthenticated for a wrong, used
  // or expired token; the reasons are not told apart.
  Result<Account> redeem(const Secret<>& token, std::string_view name, const Secret<>& password,
                         const audit::Origin& origin);

 private:
  db::Database& database_;
  const crypto::Keyring& keyring_;
  Accounts& accounts_;
  const Clock& clock_;
};

}  // namespace bulkhead::identity

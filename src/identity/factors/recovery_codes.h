// What lets a person in whose second factor is lost: ten codes of 80 random bits, shown once, each good for
// one log-in. The database keeps keyed hashes (stored_hash.h).
//
// Calls block. Thread-safe.
#pragma once

#include <cstddef>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "base/secret.h"
#include "crypto/keyring.h"
#include "db/database.h"
#include "identity/people/account.h"
#include "identity/secrets/code_limiter.h"

namespace bulkhead::identity {

inline constexpr std::size_t kRecoveryCodes = 10;

class RecoveryCodes {
 public:
  // All must outlive this.
  RecoveryCodes(db::Database& database, const crypto::Keyring& keyring, CodeLimiter& limiter,
                const Clock& clock);

  // Ten new ones, as XXXX-XXXX-XXXX-XXXX in base32; those of before are worth nothing. Errc::conflict for an
  // account without a second factor.
  Result<std::vector<Secret<>>> regenerate(const Account& account, const audit::Origin& origin);

  // Checks the code and marks it as used in one transaction. Letter case, hyphens and spaces do not count,
  // and 0, 1 and 8, which base32 does not have, are read as O, I and B. As CodeLimiter::attempt().
  Result<void> use(const Account& account, const Secret<>& code, const audit::Origin& origin,
                   const GuessSource& source);

  // How many of the account's would still be taken.
  Result<std::int64_t> left(db::Session& session, std::int64_t account) const;

 private:
  Result<bool> check(const Account& account, const Secret<>& code, const audit::Origin& origin);

  db::Database& database_;
  const crypto::Keyring& keyring_;
  CodeLimiter& limiter_;
  const Clock& clock_;
};

}  // namespace bulkhead::identity

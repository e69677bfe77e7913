// What log-in asks: whether an account has a second factor, and whether this is it. What is wrong or refused
// is journaled here, so that no way to a session can forget to.
//
// Calls block. Thread-safe.
#pragma once

#include "audit/event.h"
#include "audit/journal.h"
#include "base/clock.h"
#include "base/secret.h"
#include "db/database.h"
#include "identity/factors/factors.h"
#include "identity/factors/recovery_codes.h"
#include "identity/factors/totp.h"
#include "identity/factors/webauthn.h"
#include "identity/people/account.h"

namespace bulkhead::identity {

class Mfa {
 public:
  // All must outlive this.
  Mfa(db::Database& database, Totp& totp, RecoveryCodes& recovery_codes, WebAuthn& webauthn,
      audit::Journal& journal, const Clock& clock, LogInsEnded log_ins_ended);

  Result<Factors> factors(std::int64_t account);
  // Whether a password alone must not be enough.
  Result<bool> enrolled(std::int64_t account);

  // Six digits are an authenticator app's code, anything else a recovery code; spaces and hyphens do not
  // count. Errc::unauthenticated or Errc::rate_limited, with one message for all that is wrong. `session`: a
  // live one of the account's that proves itself anew, which strangers' wrong codes do not keep from it.
  Result<void> verify(const Account& account, const Secret<>& code, const audit::Origin& origin,
                      std::int64_t session = 0);
  // As WebAuthn::assert_credential().
  Result<void> verify(const Account& account, const AssertionResponse& response, const audit::Origin& origin);

  // An administrator's help for somebody who lost everything: takes away all factors, recovery codes and open
  // challenges, and records who did it. All sessions, bearer and access tokens end, whoever has them: the one
  // who asked for this may not be the one who lost. Errc::not_found when there was nothing to take.
  Result<void> reset(const Account& account, const audit::Origin& administrator);

 private:
  Result<void> journaled(Result<void> outcome, const Account& account, std::string_view why,
                         const audit::Origin& origin);

  db::Database& database_;
  Totp& totp_;
  RecoveryCodes& recovery_codes_;
  WebAuthn& webauthn_;
  audit::Journal& journal_;
  const Clock& clock_;
  LogInsEnded log_ins_ended_;
};

}  // namespace bulkhead::identity

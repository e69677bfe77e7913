// The second factor of authenticator apps: six digits that change every 30 seconds (RFC 6238). The seed is
// sealed; a code counts once, with one step of leeway either way.
//
// Calls block. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "audit/event.h"
#include "base/clock.h"
#include "base/secret.h"
#include "crypto/sealer.h"
#include "db/database.h"
#include "identity/factors/factors.h"
#include "identity/people/account.h"
#include "identity/secrets/code_limiter.h"

namespace bulkhead::identity {

class Totp {
 public:
  // All must outlive this. `issuer` is what apps show beside the account's name: this installation's, without
  // a colon.
  Totp(db::Database& database, crypto::Sealer& sealer, CodeLimiter& limiter, const Clock& clock,
       std::string issuer, LogInsEnded log_ins_ended);

  // What the person's app takes in, shown once: the seed in base32 for typing, and the same in an otpauth URI
  // for a QR code (qr.h).
  struct Enrolment {
    Secret<> seed;
    Secret<> uri;
  };
  // Replaces an enrolment that was begun and not confirmed. Errc::conflict when there is a confirmed one.
  Result<Enrolment> begin(const Account& account, const audit::Origin& origin);

  // Takes the enrolment into use when the app shows the right code, which is thereby used, and ends what was
  // logged in without it, but for the session `session_id` (factors.h). Errc::conflict when none was begun,
  // and as CodeLimiter::attempt().
  Result<void> confirm(const Account& account, const Secret<>& code, const audit::Origin& origin,
                       std::int64_t session_id = 0);

  // As CodeLimiter::attempt(); an account without a confirmed enrolment has no right code.
  Result<void> verify(const Account& account, const Secret<>& code, const GuessSource& source);

  // Ends the enrolment, begun or confirmed; with the account's last factor, its recovery codes.
  // Errc::not_found.
  Result<void> remove(const Account& account, const audit::Origin& origin);

 private:
  // Whether the code is right, and not used: then `mark` has been run with its step, in the transaction that
  // found the seed to be the one that the code was compared with.
  using Mark = std::function<Result<bool>(db::Session&, std::int64_t step)>;
  Result<bool> check(std::int64_t account, bool confirmed, const Secret<>& code, const Mark& mark);

  db::Database& database_;
  crypto::Sealer& sealer_;
  CodeLimiter& limiter_;
  const Clock& clock_;
  std::string issuer_;
  LogInsEnded log_ins_ended_;
};

}  // namespace bulkhead::identity

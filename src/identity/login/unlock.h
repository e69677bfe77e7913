// What lets somebody in again whom the limits on guesses (login.h, identity/secrets/code_limiter.h) keep out:
// the word of whoever runs the installation.
//
// The counts are in the memory of the process that counts; a server that was stopped has forgotten them.
// Thread-safe.
#pragma once

#include <string_view>

#include "audit/event.h"
#include "base/clock.h"
#include "db/database.h"
#include "identity/login/login.h"
#include "identity/people/accounts.h"
#include "identity/secrets/code_limiter.h"

namespace bulkhead::identity {

class Unlock {
 public:
  // All must outlive this.
  Unlock(db::Database& database, Accounts& accounts, LogIn& login, CodeLimiter& codes, CodeLimiter& recovery,
         const Clock& clock)
      : database_(database),
        accounts_(accounts),
        login_(login),
        codes_(codes),
        recovery_(recovery),
        clock_(clock) {}

  // The account's counts begin anew: of its password, of directories' for a person of that name, of its
  // codes. Writes an event. Blocks. Errc::not_found.
  Result<void> unlock(std::string_view name, const audit::Origin& origin);

  // The same for who has just been enabled, or given a new password, which has an event of its own. Blocks
  // for the account's number; where there is no such account, nothing is done.
  void enabled(std::string_view name);
  void password_changed(std::string_view name);

 private:
  void forget_codes(std::string_view name);

  db::Database& database_;
  Accounts& accounts_;
  LogIn& login_;
  CodeLimiter& codes_;
  CodeLimiter& recovery_;
  const Clock& clock_;
};

}  // namespace bulkhead::identity

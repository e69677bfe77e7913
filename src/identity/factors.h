// What an account has beside its password.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "db/database.h"

namespace bulkhead::identity {

struct Factors {
  bool totp = false;  // confirmed
  std::int64_t webauthn = 0;
  std::int64_t recovery_codes = 0;  // unused ones

  // Recovery codes stand in for a factor that was lost; they are none by themselves.
  bool enrolled() const { return totp || webauthn > 0; }
};

Result<Factors> read_factors(db::Session& session, std::int64_t account);

// For the transaction that took a factor away: with the last one, the recovery codes go.
Result<void> drop_codes_without_factor(db::Session& session, std::int64_t account);

}  // namespace bulkhead::identity

// What an account has beside its password.
#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "base/error.h"
#include "db/database.h"

namespace bulkhead::identity {

struct Factors {
  bool totp = false;  // confirmed
  std::int64_t webauthn = 0;
  std::int64_t recovery_codes = 0;  // unused ones, those of a retired key too

  // Recovery codes stand in for a factor that was lost; they are none by themselves.
  bool enrolled() const { return totp || webauthn > 0; }
};

Result<Factors> read_factors(db::Session& session, std::int64_t account);

// For the transaction that enrols a factor: ends the account's sessions and bearer tokens, which whoever has
// them got for showing less. `session_id` is the session that enrols, 0 for none: when it still stands, it
// does so afterwards, proved with the factor just now.
Result<void> end_log_ins(db::Session& session, std::int64_t account, std::int64_t session_id, Time now);
// Called with the same two after such a transaction, before its service answers: memory forgets both.
using LogInsEnded = std::function<void(std::int64_t account, std::int64_t session_id)>;

// For the transaction that took a factor away: with the last one, the recovery codes go.
Result<void> drop_codes_without_factor(db::Session& session, std::int64_t account);

}  // namespace bulkhead::identity

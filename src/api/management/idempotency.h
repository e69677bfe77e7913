// Idempotency keys: a creation that is sent twice with the same key creates once. What a key has made is kept
// as its path, never as the answer, which may have held a secret; of the request a keyed hash is kept,
// because it may have held one too.
//
// A key is claimed before the creation and tied to what it made after it. Whoever finds it claimed and not
// yet tied is told so: the creation is under way, or was interrupted and its outcome has to be looked at.
// Blocking; thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "crypto/keyring.h"
#include "db/database.h"

namespace bulkhead::api::management {

class IdempotencyKeys {
 public:
  // Keys are forgotten after this long.
  static constexpr std::chrono::hours kLifetime{24};
  static constexpr std::size_t kMaxKeyBytes = 255;

  IdempotencyKeys(db::Database& database, const crypto::Keyring& keyring, const Clock& clock)
      : database_(database), keyring_(keyring), clock_(clock) {}

  enum class State : std::uint8_t {
    claimed,        // this request is the first with the key; complete() or abandon() it
    made,           // an equal request has made `resource`
    under_way,      // an equal request has not finished
    other_request,  // the key belongs to a request that was not this one
  };
  struct Claim {
    State state = State::claimed;
    std::string resource;
  };
  // `request` is everything that makes two requests equal.
  Result<Claim> claim(std::int64_t account_id, std::string_view key, std::string_view request);
  Result<void> complete(std::int64_t account_id, std::string_view key, std::string_view resource);
  // The creation failed and changed nothing: the key is free again.
  Result<void> abandon(std::int64_t account_id, std::string_view key);

 private:
  db::Database& database_;
  const crypto::Keyring& keyring_;
  const Clock& clock_;
};

}  // namespace bulkhead::api::management

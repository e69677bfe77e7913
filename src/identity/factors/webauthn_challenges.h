// The numbers that make each ceremony another: random, good for one answer within their time, kept as keyed
// hashes.
//
// Calls block. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/keyring.h"
#include "db/database.h"
#include "identity/factors/client_data.h"

namespace bulkhead::identity {

class WebAuthnChallenges {
 public:
  // All must outlive this. At most `open_at_once` of an account stay open for each ceremony.
  WebAuthnChallenges(db::Database& database, const crypto::Keyring& keyring, const Clock& clock,
                     std::chrono::seconds lifetime, std::size_t open_at_once)
      : database_(database),
        keyring_(keyring),
        clock_(clock),
        lifetime_(lifetime),
        open_at_once_(open_at_once) {}

  // 32 random bytes. Sweeps out what has expired.
  Result<std::string> issue(std::int64_t account, Ceremony ceremony);

  // Ends the challenge, whatever becomes of the answer. Errc::unauthenticated when it is not an open one of
  // this account and ceremony.
  Result<void> redeem(std::int64_t account, Ceremony ceremony, std::string_view challenge);

 private:
  db::Database& database_;
  const crypto::Keyring& keyring_;
  const Clock& clock_;
  std::chrono::seconds lifetime_;
  std::size_t open_at_once_;
};

}  // namespace bulkhead::identity

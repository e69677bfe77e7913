// Whether the keyring is the one that the database was used with. For each version of each key the database
// keeps a check value: HMAC-SHA-256 under the key of "bulkhead key check v1", the purpose and the version,
// cut to 16 bytes, in hex (docs/formats/keyring.md). Whoever has the key recomputes it; it tells nothing
// else. That of a version that was retired stays, with "retired " in front: so that the version is not
// believed again when an older copy of its file comes back.
//
// So a keyring that was lost, exchanged or restored in parts is noticed before anything is made with it, and
// before anybody is told that a right password is wrong.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "crypto/keyring.h"
#include "db/database.h"
#include "identity/keys/key_use.h"

namespace bulkhead::identity {

// Not synchronised: for the start. The functions below are for later.
class KeyChecks {
 public:
  // What the database knows now; it and the clock must outlive this.
  static Result<KeyChecks> read(db::Database& database, const Clock& clock);

  // Whether an installation has begun with this database, and writing down that one does.
  bool begun() const { return begun_; }
  Result<void> begin();

  // A version that the keyring does not have, or another key of the same number.
  struct Problem {
    crypto::KeyPurpose purpose{};
    std::uint32_t version = 0;
    bool missing = false;
    std::vector<KeyNeed> needed_by;
  };
  // Of purposes that have no file at all. Nothing where the database was never used with a keyring.
  Result<std::vector<Problem>> without(const std::vector<crypto::KeyPurpose>& missing) const;
  // Of an open keyring. A version that is gone is none where a later one is there and nothing needs it: it
  // was retired after the copy of the database was made.
  Result<std::vector<Problem>> compare(const crypto::Keyring& keyring) const;

  // The number that a new key may have: above all that were ever used.
  Result<std::uint32_t> first_version(crypto::KeyPurpose purpose) const;

  // Takes the keyring as it is, with an event for each problem that was seen.
  Result<void> accept(const crypto::Keyring& keyring, const std::vector<Problem>& problems,
                      const audit::Origin& origin);

 private:
  KeyChecks(db::Database& database, const Clock& clock) : database_(database), clock_(clock) {}

  db::Database& database_;
  const Clock& clock_;
  bool begun_ = false;
  bool used_ = false;  // something in it was made with keys
  std::map<std::pair<crypto::KeyPurpose, std::uint32_t>, std::string> known_;  // without the retired ones
  std::map<crypto::KeyPurpose, std::uint32_t> last_retired_;
};

// "password-pepper version 1 is missing, and passwords (4) need it".
std::string describe(const KeyChecks::Problem& problem);

// Writes down the versions that the database does not know yet. What it knows stays as it is.
Result<void> learn_keys(db::Database& database, const crypto::Keyring& keyring, Time now);
// For a version that is retired, in the transaction that says so.
Result<void> mark_retired(db::Session& session, crypto::KeyPurpose purpose, std::uint32_t version);
// All that were.
Result<std::vector<std::pair<crypto::KeyPurpose, std::uint32_t>>> retired_keys(db::Session& session);

}  // namespace bulkhead::identity

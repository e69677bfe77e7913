// Rotating and retiring the keyring's keys, with evidence, and with a look at what still needs them.
//
// Thread-safe; everything blocks.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "crypto/keyring.h"
#include "db/database.h"
#include "identity/keys/key_use.h"

namespace bulkhead::identity {

struct KeyVersionInfo {
  crypto::KeyPurpose purpose{};
  std::uint32_t version = 0;
  Time created_at{};
  std::optional<Time> replaced_at;  // nothing: it is the current one
  std::vector<KeyNeed> needed_by;
  // It was replaced long enough ago for every bearer token of its time to have expired, and nothing that is
  // stored needs it.
  bool may_go = false;

  bool current() const { return !replaced_at.has_value(); }
};

class KeyRotation {
 public:
  // All must outlive this. `bearer_lifetime`: how long a signed token is valid.
  KeyRotation(db::Database& database, crypto::Keyring& keyring, const Clock& clock,
              std::chrono::seconds bearer_lifetime);

  // A new version, in use when this returns. Its event is written before the file is. For key_encryption,
  // DataKeys::advance() does the rest.
  Result<std::uint32_t> rotate(crypto::KeyPurpose purpose, const audit::Origin& origin);

  // By purpose, oldest first.
  Result<std::vector<KeyVersionInfo>> list();

  // Errc::conflict, naming what needs it, unless `force`; the current version never goes. What has ended with
  // it, which the event says as well.
  Result<std::vector<KeyNeed>> retire(crypto::KeyPurpose purpose, std::uint32_t version, bool force,
                                      const audit::Origin& origin);

  // Retires what nothing has needed and what was replaced at least a day ago. What went.
  Result<std::vector<KeyVersionInfo>> retire_unneeded(const audit::Origin& origin);

  // Retires again what was retired and has come back with an older copy of its file. What that was.
  using Returned = std::pair<crypto::KeyPurpose, std::uint32_t>;
  Result<std::vector<Returned>> retire_returned(const audit::Origin& origin);

 private:
  Result<void> describe(db::Session& session, crypto::KeyPurpose purpose,
                        std::vector<KeyVersionInfo>& all) const;
  // `change` is made in the event's transaction.
  Result<void> record(audit::Action action, crypto::KeyPurpose purpose, std::string detail,
                      const audit::Origin& origin, const db::Database::Work& change = {});

  db::Database& database_;
  crypto::Keyring& keyring_;
  const Clock& clock_;
  std::chrono::seconds bearer_lifetime_;
};

}  // namespace bulkhead::identity

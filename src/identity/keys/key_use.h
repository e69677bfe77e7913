// What in the database still needs which version of a key: stored values name the version they were made
// with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/keyring.h"
#include "db/database.h"

namespace bulkhead::identity {

struct KeyNeed {
  std::string what;  // for people: "passwords", "access tokens"
  std::int64_t count = 0;

  friend bool operator==(const KeyNeed&, const KeyNeed&) = default;
};

// What would stop working without the version; what has expired by `now` or is revoked does not count. Reads
// every row that could: seconds for millions.
Result<std::vector<KeyNeed>> key_needs(db::Session& session, crypto::KeyPurpose purpose,
                                       std::uint32_t version, Time now);

}  // namespace bulkhead::identity

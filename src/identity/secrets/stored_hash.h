// How short-lived and one-time secrets are kept: `v<key version>:<hex HMAC-SHA-256>` under
// KeyPurpose::token_hash. The MAC binds what the secret is for and whose it is, so that a stored hash moved
// to another account or another table matches nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/keyring.h"

namespace bulkhead::identity {

struct HashedFor {
  std::string_view use;  // such as "recovery-code"; without NUL
  std::int64_t account;
};

// Under the newest key.
std::string stored_hash(const crypto::Keyring& keyring, const HashedFor& what, std::string_view secret);
// Under the key that `stored` names; false when it is gone. Takes the same time wherever they differ.
bool matches_stored_hash(const crypto::Keyring& keyring, std::string_view stored, const HashedFor& what,
                         std::string_view secret);

}  // namespace bulkhead::identity

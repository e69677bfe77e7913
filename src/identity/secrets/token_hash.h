// How tokens are recognised again. The database keeps a keyed hash, which is worth nothing without the
// keyring; memory knows a token by its fingerprint, so that the comparison that finds it depends on nothing a
// guesser controls.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/keyed_hash.h"
#include "crypto/keyring.h"

namespace bulkhead::identity {

// What is stored: "v3:" and the HMAC-SHA-256 in hex, under the newest version of KeyPurpose::token_hash.
std::string token_hash(const crypto::Keyring& keyring, std::string_view token);
// The same under every version that the keyring has, newest first: one of them is what is stored.
std::vector<std::string> token_hashes(const crypto::Keyring& keyring, std::string_view token);

// A condition of SQL on a column of stored forms: the keyring has the key. What is kept under a key that is
// gone opens nothing any more.
std::string stands_by(const crypto::Keyring& keyring, std::string_view column);

// The version of the key that a stored form was made with; 0 for what is none.
std::uint32_t key_version(std::string_view stored);

// SHA-256 of the token, and of the keys that the keyring has for the purpose: when one comes or goes, what
// memory knows is found no more and has to prove itself again. So a token of a retired key is refused from
// the next request, and one of an older key is stored under the newest when it is seen.
using Fingerprint = std::array<std::byte, 32>;
Fingerprint fingerprint(const crypto::Keyring& keyring, crypto::KeyPurpose purpose, std::string_view token);

// Keyed, although a fingerprint is a hash: whoever chooses a token can try until its first bytes suit them.
class FingerprintHash {
 public:
  std::size_t operator()(const Fingerprint& print) const { return hash_(Bytes(print)); }

 private:
  KeyedHash hash_;
};

}  // namespace bulkhead::identity

#include "identity/secrets/stored_hash.h"

#include <fmt/format.h>

#include <charconv>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/hash.h"

namespace bulkhead::identity {
namespace {

std::string under(const crypto::Key& key, const HashedFor& what, std::string_view secret) {
  // NUL ends the use and the number has a fixed alphabet: no two inputs give one message.
  std::string message;
  message.reserve(what.use.size() + secret.size() + 24);
  message.append(what.use).push_back('\0');
  message.append(std::to_string(what.account)).push_back('\0');
  message.append(secret);
  const Secret<> wiped(std::move(message));
  return fmt::format("v{}:{}", key.version,
                     to_hex(crypto::hmac_sha256(as_bytes(key.bytes.reveal()), as_bytes(wiped.reveal()))));
}

}  // namespace

std::string stored_hash(const crypto::Keyring& keyring, const HashedFor& what, std::string_view secret) {
  return under(keyring.current(crypto::KeyPurpose::token_hash), what, secret);
}

bool matches_stored_hash(const crypto::Keyring& keyring, std::string_view stored, const HashedFor& what,
                         std::string_view secret) {
  if (!stored.starts_with('v')) return false;
  std::uint32_t version = 0;
  std::from_chars(stored.data() + 1, stored.data() + stored.size(), version);
  const crypto::Key* key = keyring.find(crypto::KeyPurpose::token_hash, version);
  return key != nullptr &&
         crypto::equal_in_constant_time(as_bytes(under(*key, what, secret)), as_bytes(stored));
}

}  // namespace bulkhead::identity

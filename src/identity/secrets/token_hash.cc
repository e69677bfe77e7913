#include "identity/secrets/token_hash.h"

#include <fmt/format.h>

#include <charconv>
#include <span>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::identity {
namespace {

constexpr auto kPurpose = crypto::KeyPurpose::token_hash;

std::string stored_form(const crypto::Key& key, std::string_view token) {
  return fmt::format("v{}:{}", key.version,
                     to_hex(crypto::hmac_sha256(as_bytes(key.bytes.reveal()), as_bytes(token))));
}

}  // namespace

std::string token_hash(const crypto::Keyring& keyring, std::string_view token) {
  return stored_form(keyring.current(kPurpose), token);
}

std::vector<std::string> token_hashes(const crypto::Keyring& keyring, std::string_view token) {
  std::vector<std::string> hashes;
  for (auto version = keyring.current(kPurpose).version; version > 0; --version)
    if (const crypto::Key* key = keyring.find(kPurpose, version)) hashes.push_back(stored_form(*key, token));
  return hashes;
}

std::string stands_by(const crypto::Keyring& keyring, std::string_view column) {
  std::string condition;
  for (const auto& each : keyring.versions(kPurpose))
    condition += fmt::format("{}{} LIKE 'v{}:%'", condition.empty() ? "(" : " OR ", column, each.version);
  return condition + ")";
}

std::uint32_t key_version(std::string_view stored) {
  std::uint32_t version = 0;
  if (stored.starts_with('v')) std::from_chars(stored.data() + 1, stored.data() + stored.size(), version);
  return version;
}

Fingerprint fingerprint(const crypto::Keyring& keyring, crypto::KeyPurpose purpose, std::string_view token) {
  const std::uint64_t generation = keyring.generation(purpose);
  crypto::Hasher hasher(crypto::HashAlgorithm::sha256);
  hasher.update(std::as_bytes(std::span(&generation, 1)));
  hasher.update(as_bytes(token));
  const std::string hash = hasher.current();
  Fingerprint print{};
  std::memcpy(print.data(), hash.data(), print.size());
  return print;
}

}  // namespace bulkhead::identity

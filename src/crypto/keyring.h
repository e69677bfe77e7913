// The keys that the database must never hold (../../docs/formats/keyring.md). They live in a directory of
// their own (default <data>/keys, 0700), one file per purpose (0600), each with numbered versions; a thief
// with the database and every blob but without this directory can log in nowhere.
//
// Thread-safe after loading: the keyring is immutable for the life of the process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::crypto {

enum class KeyPurpose {
  password_pepper,  // keyed hash over Argon2id's output
  token_signing,    // HMAC of bearer tokens
  token_hash,       // HMAC of stored one-time and long-lived tokens
};
std::string_view name(KeyPurpose purpose);

struct Key {
  std::uint32_t version = 0;
  Secret<std::string> bytes;  // 32 bytes
};

class Keyring {
 public:
  Keyring(Keyring&&) = default;
  Keyring& operator=(Keyring&&) = default;

  // Loads the directory, creating it and any missing purpose's first key. A directory or file that others may
  // read, or a file that does not parse, is an error that names it and the command that mends it.
  static Result<Keyring> open(const std::filesystem::path& directory);
  // Fresh keys that are never written; for tests.
  static Keyring ephemeral();

  // The newest version: what new values are made with.
  const Key& current(KeyPurpose purpose) const;
  // A given version, for verifying older values; nullptr when there is none.
  const Key* find(KeyPurpose purpose, std::uint32_t version) const;

 private:
  Keyring() = default;

  std::map<KeyPurpose, std::map<std::uint32_t, Key>> keys_;
};

}  // namespace bulkhead::crypto

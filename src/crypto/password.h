// Password hashing: Argon2id (RFC 9106, through libsodium), its output then keyed with the pepper, so that the stored
// string alone cannot be attacked offline. Stored form: docs/formats/database.md.
//
// hash() and verify() take tens to hundreds of milliseconds and tens of MiB: never call them on an event loop.
// Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "crypto/keyring.h"

namespace bulkhead::crypto {

struct PasswordParameters {
  std::uint32_t memory_kib = 64 * 1024;  // at least 19 MiB
  std::uint32_t passes = 3;              // at least 2
};

// Length 8 to 128 characters (code points), valid UTF-8, not one of the well-known breached ones: otherwise
// Errc::invalid_argument saying which rule and that 15 or more are advised.
Result<void> check_password_rules(const Secret<>& password);

class PasswordHasher {
 public:
  // The keyring must outlive this. The parameters' minimum is enforced.
  PasswordHasher(const Keyring& keyring, PasswordParameters parameters);

  std::string hash(const Secret<>& password) const;
  // False for a wrong password and for a stored string that cannot be read.
  bool verify(const Secret<>& password, std::string_view stored) const;
  // Spends the time of a verification, for names that do not exist.
  void spend(const Secret<>& password) const;
  // Made with older parameters or an older pepper: hash again at the next successful log-in.
  bool outdated(std::string_view stored) const;

 private:
  const Keyring& keyring_;
  PasswordParameters parameters_;
  std::string decoy_;
};

}  // namespace bulkhead::crypto

// Password hashing: Argon2id (RFC 9106, through libsodium), its output then keyed with the pepper, so that
// the stored string alone cannot be attacked offline. Stored form: docs/formats/password.md.
//
// hash() and verify() take tens to hundreds of milliseconds and tens of MiB: never call them on an event
// loop. Thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "crypto/keyring.h"

namespace bulkhead::crypto {

struct PasswordParameters {
  static constexpr std::uint32_t kLeastMemoryKib = 19 * 1024;
  static constexpr std::uint32_t kMostMemoryKib = 256 * 1024;
  static constexpr std::uint32_t kLeastPasses = 2;
  static constexpr std::uint32_t kMostPasses = 10;

  std::uint32_t memory_kib = 64 * 1024;
  std::uint32_t passes = 3;
};

// Length 8 to 128 characters (code points), valid UTF-8 without control characters, not one of the well-known
// breached ones, and not begun like one of `reserved`, by which other credentials are told from passwords:
// otherwise Errc::invalid_argument saying which rule and that 15 or more are advised.
Result<void> check_password_rules(const Secret<>& password, std::span<const std::string_view> reserved = {});

class PasswordHasher {
 public:
  // The keyring must outlive this. Parameters outside their bounds are a bug in the caller:
  // std::invalid_argument.
  PasswordHasher(const Keyring& keyring, PasswordParameters parameters);

  // Throws std::bad_alloc when the memory is not there. The memory goes back to the system before it returns.
  std::string hash(const Secret<>& password) const;
  // False for a wrong password, for a stored string that cannot be read and for one whose pepper is gone; the
  // last two cost what a hash with today's parameters costs.
  bool verify(const Secret<>& password, std::string_view stored) const;
  // Spends the time of a verification, for names that do not exist.
  void spend(const Secret<>& password) const;
  // Made with older parameters or an older pepper: hash again at the next successful log-in.
  bool outdated(std::string_view stored) const;
  // Of the pepper that new hashes are made with.
  std::uint32_t pepper_version() const;

 private:
  const Keyring& keyring_;
  PasswordParameters parameters_;
};

}  // namespace bulkhead::crypto

// What opens a sealed keyring: something that is not in its directory. It guards one random master key, under
// which the key files are sealed, so that exchanging the source rewrites one small file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "crypto/locked_bytes.h"

namespace bulkhead::crypto {

class KeySource {
 public:
  virtual ~KeySource() = default;
  // The first word of what protect() writes: "passphrase" or "pkcs11".
  virtual std::string_view kind() const = 0;
  // One line of ASCII, to be stored beside the keys. Blocking and slow.
  virtual Result<std::string> protect(const LockedBytes& master) = 0;
  // Errc::unauthenticated when the source is not the one that protected it, Errc::corrupt when the text is
  // not what protect() writes. Blocking and slow.
  virtual Result<LockedBytes> recover(std::string_view stored) = 0;
};

// Argon2id (RFC 9106) over a passphrase.
struct PassphraseParameters {
  static constexpr std::uint32_t kLeastMemoryKib = 19 * 1024;
  static constexpr std::uint32_t kMostMemoryKib = 1024 * 1024;
  static constexpr std::uint32_t kLeastPasses = 2;
  static constexpr std::uint32_t kMostPasses = 20;

  std::uint32_t memory_kib = 256 * 1024;
  std::uint32_t passes = 4;
};
// Parameters are for protect(); recover() goes by what is stored.
std::unique_ptr<KeySource> passphrase_source(Secret<> passphrase, PassphraseParameters parameters = {});

// A key in a token that speaks PKCS #11 (v2.40): AES-GCM under an AES key that cannot leave it.
struct Pkcs11Options {
  std::filesystem::path module;  // the shared library
  std::string token;             // its label; "" for the only one there is
  std::string key;               // the key's label; protect() makes the key where it is missing
  Secret<> pin;
};
// The module is loaded at the first call and stays loaded; the session with the token ends with each call.
// Errc::unavailable when module, token or key are not there, or the key could leave the token.
std::unique_ptr<KeySource> pkcs11_source(Pkcs11Options options);

// The first line of a file that only this user, root or this user's group may read, as systemd's credentials
// are: `least` to 1024 bytes, else Errc::invalid_argument. Open to others, or no regular file:
// Errc::unavailable.
inline constexpr std::size_t kLeastPassphrase = 12;
inline constexpr std::size_t kLeastPin = 4;
Result<Secret<>> read_secret_line(const std::filesystem::path& path, std::size_t least);

}  // namespace bulkhead::crypto

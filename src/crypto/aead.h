// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03, through libsodium) as this program uses it: a random
// 24-byte nonce, the ciphertext and the 16-byte tag in one string. Keys are 32 bytes. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "crypto/locked_bytes.h"

namespace bulkhead::crypto {

inline constexpr std::size_t kAeadKeyBytes = 32;
inline constexpr std::size_t kAeadOverhead = 24 + 16;

// Associated data in which no two lists of fields read alike: a label, then texts with their length in front
// and numbers of eight bytes, all big-endian.
class AssociatedData {
 public:
  explicit AssociatedData(std::string_view label) { add(label); }
  AssociatedData& add(std::string_view text);
  AssociatedData& add(std::int64_t number);

  std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string aead_seal(const LockedBytes& key, const AssociatedData& associated, std::string_view plain);

// Nothing when the key, the associated data or any bit of what was sealed is another.
std::optional<Secret<>> aead_open(const LockedBytes& key, const AssociatedData& associated,
                                  std::string_view sealed);
// The same for keys.
std::optional<LockedBytes> aead_open_key(const LockedBytes& key, const AssociatedData& associated,
                                         std::string_view sealed);

}  // namespace bulkhead::crypto

// JSON Web Key Sets (RFC 7517): the keys an issuer publishes, which are the only ones its tokens are checked
// with.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "crypto/public_key.h"

namespace bulkhead::identity {

inline constexpr std::size_t kMostKeys = 64;
inline constexpr std::size_t kLongestKeyId = 256;

// A value; immutable once parsed.
class KeySet {
 public:
  KeySet() = default;

  // Errc::invalid_argument for what is no such set, has more than kMostKeys keys or two usable ones of the
  // same "kid". Keys that cannot verify a token here are passed over, as RFC 7517 section 5 asks: without a
  // "kid", for encryption, of other kinds and curves, too weak, shared, or with their private part published.
  static Result<KeySet> parse(std::string_view json);

  // The key of that id, if it serves the algorithm and was not published for another one.
  const crypto::PublicKey* find(std::string_view key_id, crypto::SignatureAlgorithm algorithm) const;
  bool has(std::string_view key_id) const { return find(key_id) != nullptr; }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key_id;
    std::optional<crypto::SignatureAlgorithm> algorithm;  // where the key says so itself
    crypto::PublicKey key;
  };
  const Entry* find(std::string_view key_id) const;

  std::vector<Entry> entries_;
};

}  // namespace bulkhead::identity

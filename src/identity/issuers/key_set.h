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

  // Errc::invalid_argument for what is no such set or has more than kMostKeys keys. Keys that cannot verify a
  // token here are passed over, as RFC 7517 section 5 asks: for encryption, of other kinds and curves, too
  // weak, shared, or with their private part published. One that is listed twice counts once.
  static Result<KeySet> parse(std::string_view json);

  // The keys of that id which serve the algorithm and were not published for another one: usually one, but
  // several may share an id (section 4.5). Without an id ("") the one key that serves the algorithm, with or
  // without an id of its own; none where there are several, for then a token says which (OpenID Connect Core
  // 1.0 section 10.1).
  std::vector<crypto::PublicKey> find(std::string_view key_id, crypto::SignatureAlgorithm algorithm) const;
  bool has(std::string_view key_id) const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key_id;                                   // "" for none
    std::optional<crypto::SignatureAlgorithm> algorithm;  // where the key says so itself
    std::string material;                                 // what makes it another key than others
    crypto::PublicKey key;

    bool serves(crypto::SignatureAlgorithm wanted) const {
      return key.serves(wanted) && (!algorithm || *algorithm == wanted);
    }
  };

  std::vector<Entry> entries_;
};

}  // namespace bulkhead::identity

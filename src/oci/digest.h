// A content digest: the algorithm and the hash (OCI image-spec 1.1, descriptor.md#digests).
//
// A small regular value: 65 bytes, no allocation, ordered. Whoever sends one chooses its bytes, so tables of
// them hash with a key (DigestHash); there is no std::hash. The two registered algorithms are
// accepted; hex is lower case, as the specification requires.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/keyed_hash.h"

namespace bulkhead::oci {

enum class Algorithm : std::uint8_t { sha256, sha512 };

std::string_view name(Algorithm algorithm);                // "sha256"
Result<Algorithm> parse_algorithm(std::string_view text);  // Errc::digest_unsupported

class Digest {
 public:
  // Errc::digest_invalid when malformed, Errc::digest_unsupported for a well-formed one of another algorithm.
  static Result<Digest> parse(std::string_view text);

  // `hash` is the raw hash; another length than the algorithm's is a bug and throws std::logic_error.
  static Digest from_hash(Algorithm algorithm, Bytes hash);
  static Digest of(Algorithm algorithm, Bytes content);

  Algorithm algorithm() const { return algorithm_; }
  Bytes hash() const;
  std::string hex() const;
  std::string render() const;  // "sha256:…"

  friend bool operator==(const Digest&, const Digest&) = default;
  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  Digest() = default;
  Algorithm algorithm_ = Algorithm::sha256;
  std::array<std::byte, 64> hash_{};  // zero past the algorithm's length
};

// For tables of digests; each table's own.
class DigestHash {
 public:
  std::size_t operator()(const Digest& digest) const noexcept { return hash_(digest.hash()); }

 private:
  KeyedHash hash_;
};

}  // namespace bulkhead::oci

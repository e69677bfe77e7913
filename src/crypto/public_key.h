// Public keys of others, and the signatures they verify: RSA, ECDSA on P-256 and Ed25519, as JSON Web Keys
// (RFC 7518 section 6, RFC 8037) give their numbers. A key only verifies with an algorithm of its own kind,
// so that what somebody else's token says of itself can never choose how it is checked.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

struct evp_pkey_st;

namespace bulkhead::crypto {

// RFC 7518 section 3.1, RFC 8037 section 3.1. There is no "none" and no algorithm with a shared key.
enum class SignatureAlgorithm : std::uint8_t { rs256, ps256, es256, eddsa };
std::string_view name(SignatureAlgorithm algorithm);  // "RS256"
// Names are case-sensitive; nothing for any other.
std::optional<SignatureAlgorithm> parse_signature_algorithm(std::string_view text);

// A cheap copy; thread-safe.
class PublicKey {
 public:
  enum class Kind : std::uint8_t { rsa, p256, ed25519 };

  // Numbers are unsigned and big-endian. Errc::invalid_argument for what is no such key: an RSA modulus of
  // fewer than 2048 bits or more than 8192 (which bounds what one check costs), an exponent that is even,
  // less than 3 or longer than 32 bits, a point that is not on the curve.
  static Result<PublicKey> rsa(Bytes modulus, Bytes exponent);
  static Result<PublicKey> p256(Bytes x, Bytes y);  // 32 bytes each
  static Result<PublicKey> ed25519(Bytes key);      // 32 bytes

  Kind kind() const { return kind_; }
  // RSA keys serve RS256 and PS256.
  bool serves(SignatureAlgorithm algorithm) const;
  // The signature as RFC 7515 carries it: for ES256 the 64 bytes of both numbers, not DER. False for an
  // algorithm that the key does not serve.
  bool verify(SignatureAlgorithm algorithm, Bytes message, Bytes signature) const;

 private:
  PublicKey(Kind kind, std::shared_ptr<evp_pkey_st> key) : kind_(kind), key_(std::move(key)) {}

  Kind kind_;
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace bulkhead::crypto

// Public keys and signatures as WebAuthn has them: COSE_Key (RFC 9052 section 7, RFC 9053) for the three
// algorithms that security keys and platforms use, verified by OpenSSL 3.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"

struct evp_pkey_st;

namespace bulkhead::crypto {

// Numbers of the IANA registry "COSE Algorithms".
enum class CoseAlgorithm : std::int32_t {
  es256 = -7,    // ECDSA on P-256 with SHA-256, signatures in DER (WebAuthn section 6.5.6)
  eddsa = -8,    // Ed25519
  rs256 = -257,  // RSASSA-PKCS1-v1_5 with SHA-256, moduli of 2048 to 4096 bits
};
std::optional<CoseAlgorithm> parse_cose_algorithm(std::int64_t number);

// Whether it is a signature of `message` by `key`. False also for a key that is not of the algorithm's kind
// and size.
bool signature_verifies(CoseAlgorithm algorithm, evp_pkey_st* key, Bytes message, Bytes signature);

// Movable; verifying may be done by several threads at once.
class CosePublicKey {
 public:
  // The key that `encoded` is, to the last byte: canonical CBOR (cbor.h) with the members that its algorithm
  // requires and no others, as WebAuthn section 6.5.1 has it, and a point that is on the curve.
  // Errc::unsupported for another algorithm or curve, Errc::invalid_argument for the rest.
  static Result<CosePublicKey> parse(Bytes encoded);

  CoseAlgorithm algorithm() const { return algorithm_; }
  bool verifies(Bytes message, Bytes signature) const {
    return signature_verifies(algorithm_, key_.get(), message, signature);
  }

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  CosePublicKey(CoseAlgorithm algorithm, evp_pkey_st* key) : algorithm_(algorithm), key_(key) {}

  CoseAlgorithm algorithm_;
  std::unique_ptr<evp_pkey_st, Free> key_;
};

}  // namespace bulkhead::crypto

// A public key comes from whoever registers an authenticator, and a signature from whoever answers a
// challenge. Whatever they are, nothing crashes, and no key accepts a signature that is not one: an input
// cannot know the message, which is new in each process.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "crypto/attestation_certificate.h"
#include "crypto/cose.h"
#include "crypto/hash.h"

using bulkhead::as_bytes;
using bulkhead::Bytes;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string message = bulkhead::crypto::random_bytes(32);
  const Bytes input = std::as_bytes(std::span(data, size));
  const auto key = bulkhead::crypto::CosePublicKey::parse(input);
  // An Ed25519 key of small order accepts some signatures of anything; what such a key accepts is its
  // registrant's own affair.
  if (key && key->algorithm() != bulkhead::crypto::CoseAlgorithm::eddsa &&
      key->verifies(as_bytes(message), input))
    std::abort();

  const auto certificate = bulkhead::crypto::AttestationCertificate::parse(input);
  if (certificate) {
    static_cast<void>(certificate->may_attest(input.first(size < 16 ? size : 16)));
    static_cast<void>(
        certificate->verifies(bulkhead::crypto::CoseAlgorithm::es256, as_bytes(message), input));
  }
  return 0;
}

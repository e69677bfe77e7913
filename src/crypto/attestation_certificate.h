// The certificate that an authenticator's maker signs attestations with (WebAuthn Level 2 section 8.2.1).
//
// Nothing here says that the maker is trusted: that takes roots, and this installation has none. What is held
// to is that the statement was made by the certificate's key about this model of authenticator.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/cose.h"

struct x509_st;

namespace bulkhead::crypto {

// Movable; may be read by several threads at once.
class AttestationCertificate {
 public:
  static constexpr std::size_t kMaxBytes = 8 * 1024;

  // The certificate that `der` is, to the last byte. Errc::invalid_argument.
  static Result<AttestationCertificate> parse(Bytes der);

  // Version 3; a subject with a country of two letters, an organization, a common name and the unit
  // "Authenticator Attestation"; not an authority; and where it names a model (id-fido-gen-ce-aaguid), this
  // one, uncritically. Errc::invalid_argument names what is not so.
  Result<void> may_attest(Bytes aaguid) const;

  bool verifies(CoseAlgorithm algorithm, Bytes message, Bytes signature) const;

 private:
  struct Free {
    void operator()(x509_st* certificate) const;
  };
  explicit AttestationCertificate(x509_st* certificate) : certificate_(certificate) {}

  std::unique_ptr<x509_st, Free> certificate_;
};

}  // namespace bulkhead::crypto

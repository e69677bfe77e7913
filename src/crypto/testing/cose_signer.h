// The private half of crypto/cose.h, for tests: what an authenticator holds.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "crypto/cose.h"

namespace bulkhead::crypto::testing {

class CoseSigner {
 public:
  explicit CoseSigner(CoseAlgorithm algorithm);

  CoseAlgorithm algorithm() const { return algorithm_; }
  std::string public_key() const;  // COSE_Key
  std::string sign(std::string_view message) const;
  evp_pkey_st* get() const { return key_.get(); }

 private:
  CoseAlgorithm algorithm_;
  std::shared_ptr<evp_pkey_st> key_;
};

// What an attestation certificate says, as WebAuthn section 8.2.1 asks for it unless a test changes it.
struct AttestationSubject {
  std::string country = "SE";
  std::string organization = "Makers of Tests";
  std::string unit = "Authenticator Attestation";
  std::string common_name = "Test Attestation 1";
  std::string more_units;                // one more unit unless it is empty
  std::string constraints = "CA:FALSE";  // no extension when empty
  std::string aaguid;                    // 16 bytes; no extension when empty
  bool aaguid_is_critical = false;
  int version = 3;
};

// In DER; self-signed, which nobody checks.
std::string make_attestation_certificate(const CoseSigner& signer, const AttestationSubject& subject = {});

}  // namespace bulkhead::crypto::testing

// An authenticator in software, with the browser in front of it: real keys, real attestations, real
// assertions. Everything it says can be changed, so that tests have a forger too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/testing/cose_signer.h"
#include "identity/factors/attestation.h"
#include "identity/factors/client_data.h"
#include "identity/factors/webauthn_messages.h"

namespace bulkhead::identity::testing {

class Authenticator {
 public:
  explicit Authenticator(crypto::CoseAlgorithm algorithm = crypto::CoseAlgorithm::es256);

  // Answers to the options that WebAuthn gives out. The counter goes up with each.
  RegistrationResponse create(std::string_view options);
  AssertionResponse get(std::string_view options);

  // Their parts. `challenge` is in base64url.
  std::string client_data(std::string_view type, std::string_view challenge) const;
  std::string data(bool with_credential) const;
  std::string attestation_object(std::string_view data, std::string_view client_data) const;
  RegistrationResponse attested(const std::string& client_data, const std::string& data) const;
  AssertionResponse signed_by_key(const std::string& client_data, const std::string& data) const;

  std::string relying_party = "registry.example.com";
  std::string origin = "https://registry.example.com";
  std::string more_client_data;  // further members, each with a comma in front
  std::string credential_id;
  std::string aaguid = std::string(16, 'm');
  std::string extensions;  // CBOR
  std::string user_handle;
  bool user_present = true;
  bool user_verified = true;
  bool counts = true;
  std::uint32_t sign_count = 0;
  AttestationKind attestation = AttestationKind::none;
  crypto::testing::CoseSigner key;
  crypto::testing::CoseSigner maker{crypto::CoseAlgorithm::es256};
  crypto::testing::AttestationSubject maker_subject;
};

// The challenge in the options, as they have it.
std::string challenge_in(std::string_view options);

// As PublicKeyCredential.toJSON() gives them.
std::string to_json(const RegistrationResponse& response);
std::string to_json(const AssertionResponse& response);

}  // namespace bulkhead::identity::testing

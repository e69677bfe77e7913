// Authenticator data (WebAuthn Level 2 section 6.1): what an authenticator signs about itself and the site.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/cose.h"

namespace bulkhead::identity {

inline constexpr std::size_t kAaguidBytes = 16;
inline constexpr std::size_t kMaxCredentialIdBytes = 1023;  // section 4, "Credential ID"

// Views into what was parsed, which must outlive them.
struct AttestedCredential {
  Bytes aaguid;  // the model
  Bytes id;
  Bytes encoded_key;
  crypto::CosePublicKey key;
};

struct AuthenticatorData {
  Bytes relying_party_hash;    // SHA-256 of the relying party's id
  bool user_present = false;   // somebody touched it
  bool user_verified = false;  // by PIN, finger or face
  std::uint32_t sign_count = 0;
  std::optional<AttestedCredential> credential;
};

// To the last byte; extensions are parsed and passed over. Errc::unsupported for a key of another algorithm,
// Errc::invalid_argument or Errc::too_large for the rest.
Result<AuthenticatorData> parse_authenticator_data(Bytes bytes);

}  // namespace bulkhead::identity

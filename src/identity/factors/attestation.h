// Attestation statements (WebAuthn Level 2 sections 6.5 and 8): what a new credential comes wrapped in.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "identity/factors/authenticator_data.h"

namespace bulkhead::identity {

enum class AttestationKind {
  none,    // the authenticator says nothing about itself
  self,    // signed with the new credential's own key: it has the private half
  packed,  // signed with a key of the maker's; that the certificate's issuer is trusted is not claimed
};
std::string_view name(AttestationKind kind);

struct Attestation {
  AttestationKind kind;
  AuthenticatorData data;  // with a credential
};

inline constexpr std::size_t kMaxAttestationBytes = 64 * 1024;

// The attestation object, to the last byte, and its statement verified over the hash of the client data.
// Views into `object`, which must outlive the result. Errc::unsupported for formats other than `none` and
// `packed` and for other algorithms, Errc::too_large past a limit, Errc::invalid_argument for the rest.
Result<Attestation> verify_attestation(Bytes object, Bytes client_data_hash);

}  // namespace bulkhead::identity

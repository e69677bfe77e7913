// What goes to the browser's credentials API and comes back from it: the JSON forms of WebAuthn Level 3
// section 5.1 (parseCreationOptionsFromJSON, PublicKeyCredential.toJSON), binary values in base64url.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "identity/people/account.h"

namespace bulkhead::identity {

struct WebAuthnSettings {
  // The host name that credentials are bound to, and the origins that may use them: of that host or below it,
  // such as "https://registry.example.com". A credential is lost when `relying_party` changes.
  std::string relying_party;
  std::string name = "Bulkhead";
  std::vector<std::string> origins;
  bool require_user_verification = false;  // PIN, finger or face, beside the touch
  bool ask_for_attestation = false;        // browsers ask their user about it
  std::chrono::seconds challenge_lifetime{300};
  std::size_t challenges_per_account = 10;   // open at once; a further one ends the oldest
  std::size_t credentials_per_account = 20;  // registered
};

// What the authenticator keeps of the account; never a name.
std::string user_handle(std::int64_t account);

// Binary values are bytes; the credential ids are in base64url, as the database has them.
std::string registration_options(const WebAuthnSettings& settings, const Account& account,
                                 std::string_view challenge, const std::vector<std::string>& credential_ids);
std::string assertion_options(const WebAuthnSettings& settings, std::string_view challenge,
                              const std::vector<std::string>& credential_ids);

// Bytes, decoded.
struct RegistrationResponse {
  std::string credential_id;
  std::string client_data;
  std::string attestation_object;
};
struct AssertionResponse {
  std::string credential_id;
  std::string client_data;
  std::string authenticator_data;
  std::string signature;
  std::optional<std::string> user_handle;
};

inline constexpr std::size_t kMaxResponseBytes = 256 * 1024;

// Members beyond these are passed over: browsers repeat what the attestation holds, and add to it.
// Errc::invalid_argument, or Errc::too_large.
Result<RegistrationResponse> parse_registration_response(std::string_view json);
Result<AssertionResponse> parse_assertion_response(std::string_view json);

}  // namespace bulkhead::identity

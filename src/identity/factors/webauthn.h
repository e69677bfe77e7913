// Security keys and passkeys as a second factor: the relying party of WebAuthn Level 2 (sections 7.1
// and 7.2). A browser gets options, its authenticator answers, and the answer is held to everything that was
// asked.
//
// Calls block. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "crypto/keyring.h"
#include "db/database.h"
#include "identity/factors/factors.h"
#include "identity/factors/webauthn_challenges.h"
#include "identity/factors/webauthn_messages.h"
#include "identity/people/account.h"

namespace bulkhead::identity {

struct AttestedCredential;

class WebAuthn {
 public:
  // All must outlive this.
  WebAuthn(db::Database& database, const crypto::Keyring& keyring, const Clock& clock,
           WebAuthnSettings settings, LogInsEnded log_ins_ended);

  struct Credential {
    std::int64_t id = 0;  // ours, not the authenticator's
    std::string name;
    std::string aaguid;  // the model: 16 bytes in base64url, zeros when it does not say
    std::int64_t sign_count = 0;
    Time created_at{};
    std::optional<Time> last_used_at;
  };

  // JSON for navigator.credentials.create() and get(), with a fresh challenge. Errc::conflict when the
  // account has as many credentials as it may, or, for an assertion, none.
  Result<std::string> registration_options(const Account& account);
  Result<std::string> assertion_options(const Account& account);

  // Verifies the answer and keeps the credential under the person's name for it: 1 to 64 bytes, else as
  // parse_display_name(). Ends what was logged in without it, but for the session `session_id` (factors.h).
  // Errc::unauthenticated for a challenge that is not open, Errc::conflict for a credential that anybody has
  // registered, and otherwise the errors of client_data.h and attestation.h.
  Result<Credential> register_credential(const Account& account, std::string_view name,
                                         const RegistrationResponse& response, const audit::Origin& origin,
                                         std::int64_t session_id = 0);

  // Verifies a log-in with one of the account's credentials; a right signature with a counter that did not
  // rise is refused and recorded. Every refusal is Errc::unauthenticated, with the reason in its message. The
  // credential as it was before, except for the count.
  Result<Credential> assert_credential(const Account& account, const AssertionResponse& response,
                                       const audit::Origin& origin);

  // Oldest first.
  Result<std::vector<Credential>> list(const Account& account);
  // Errc::not_found, also for another account's. With the account's last factor, its recovery codes go.
  Result<void> remove(const Account& account, std::int64_t id, const audit::Origin& origin);

 private:
  Result<std::vector<std::string>> credential_ids(const Account& account);
  Result<Credential> keep(const Account& account, std::string_view name, std::string_view attestation,
                          const AttestedCredential& credential, std::uint32_t sign_count,
                          const audit::Origin& origin, std::int64_t session_id);
  Result<void> raise_count(const Account& account, Credential& credential, std::uint32_t received,
                           const audit::Origin& origin);

  db::Database& database_;
  const Clock& clock_;
  WebAuthnSettings settings_;
  WebAuthnChallenges challenges_;
  LogInsEnded log_ins_ended_;
};

}  // namespace bulkhead::identity

// A challenge ends, in a transaction of its own, before its answer is verified: an answer gets one look.
// What the verified answer changes is decided in the transaction that writes it.

#include "identity/factors/webauthn.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "audit/outbox.h"
#include "base/bytes.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "identity/factors/attestation.h"
#include "identity/factors/factors.h"
#include "identity/people/account_event.h"
#include "identity/people/profile.h"

namespace bulkhead::identity {
namespace {

using audit::Action;

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxSignatureBytes = 1024;  // RSA's of 4096 bits has 512
constexpr std::size_t kMaxAuthenticatorDataBytes = 4096;

constexpr std::string_view kColumns = "id, name, aaguid, sign_count, created_at, last_used_at";

WebAuthn::Credential credential_from(const db::Row& row) {
  WebAuthn::Credential credential{.id = row.integer(0),
                                  .name = row.text(1),
                                  .aaguid = row.text(2),
                                  .sign_count = row.integer(3),
                                  .created_at = from_micros(row.integer(4)),
                                  .last_used_at = std::nullopt};
  if (!row.is_null(5)) credential.last_used_at = from_micros(row.integer(5));
  return credential;
}

Error refused(std::string message) { return {Errc::unauthenticated, std::move(message)}; }

std::string sha256(std::string_view bytes) {
  return crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(bytes));
}

// 1 to 64 bytes that may be displayed.
Result<void> check_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes)
    return Error{Errc::invalid_argument, "a security key's name has 1 to 64 bytes"};
  if (const auto fit = parse_display_name(name); !fit) return fit.error();
  return {};
}

// What both ceremonies ask of an authenticator: steps 13 to 15 of section 7.1, 15 to 17 of section 7.2.
Result<void> check_authenticator(const WebAuthnSettings& settings, const AuthenticatorData& data) {
  if (as_text(data.relying_party_hash) != sha256(settings.relying_party))
    return Error{Errc::invalid_argument, "the authenticator answered for another relying party"};
  if (!data.user_present)
    return Error{Errc::invalid_argument, "the authenticator answered without anybody touching it"};
  if (settings.require_user_verification && !data.user_verified)
    return Error{Errc::invalid_argument, "the authenticator did not verify its user, which is required here"};
  return {};
}

struct StoredCredential {
  WebAuthn::Credential credential;
  crypto::CosePublicKey key;
};

Result<StoredCredential> find_credential(db::Database& database, std::int64_t account,
                                         std::string_view credential_id) {
  std::optional<db::Row> row;
  const auto done = database.read([&](db::Session& session) -> Result<void> {
    auto rows = session.query(fmt::format("SELECT {}, public_key FROM webauthn_credentials "
                                          "WHERE credential_id = ? AND account_id = ?",
                                          kColumns),
                              {to_base64url(as_bytes(credential_id)), account});
    if (!rows) return rows.error();
    if (!rows->empty()) row = std::move(rows->front());
    return {};
  });
  if (!done) return done.error();
  if (!row) return refused("the credential is not one of this account's");
  const auto encoded = from_base64url(row->text(6));
  auto key = crypto::CosePublicKey::parse(as_bytes(encoded.value_or("")));
  if (!key) return Error{Errc::corrupt, "the stored public key of a security key cannot be read"};
  return StoredCredential{credential_from(*row), *std::move(key)};
}

}  // namespace

WebAuthn::WebAuthn(db::Database& database, const crypto::Keyring& keyring, const Clock& clock,
                   WebAuthnSettings settings, LogInsEnded log_ins_ended)
    : database_(database),
      clock_(clock),
      settings_(std::move(settings)),
      challenges_(database, keyring, clock, settings_.challenge_lifetime, settings_.challenges_per_account),
      log_ins_ended_(std::move(log_ins_ended)) {}

Result<std::vector<std::string>> WebAuthn::credential_ids(const Account& account) {
  std::vector<std::string> ids;
  const auto done = database_.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(
        "SELECT credential_id FROM webauthn_credentials WHERE account_id = ? ORDER BY id", {account.id});
    if (!rows) return rows.error();
    ids.clear();
    for (const db::Row& row : *rows) ids.push_back(row.text(0));
    return {};
  });
  if (!done) return done.error();
  return ids;
}

Result<std::string> WebAuthn::registration_options(const Account& account) {
  const auto ids = credential_ids(account);
  if (!ids) return ids.error();
  if (ids->size() >= settings_.credentials_per_account)
    return Error{
        Errc::conflict,
        fmt::format("the account has {} security keys, the most there may be; remove one", ids->size())};
  const auto challenge = challenges_.issue(account.id, Ceremony::registration);
  if (!challenge) return challenge.error();
  return identity::registration_options(settings_, account, *challenge, *ids);
}

Result<std::string> WebAuthn::assertion_options(const Account& account) {
  const auto ids = credential_ids(account);
  if (!ids) return ids.error();
  if (ids->empty()) return Error{Errc::conflict, "the account has no security key"};
  const auto challenge = challenges_.issue(account.id, Ceremony::assertion);
  if (!challenge) return challenge.error();
  return identity::assertion_options(settings_, *challenge, *ids);
}

Result<WebAuthn::Credential> WebAuthn::register_credential(const Account& account, std::string_view name,
                                                           const RegistrationResponse& response,
                                                           const audit::Origin& origin,
                                                           std::int64_t session_id) {
  if (const auto named = check_name(name); !named) return named.error();
  const auto challenge = check_client_data(response.client_data, Ceremony::registration, settings_.origins);
  if (!challenge) return challenge.error();
  if (const auto open = challenges_.redeem(account.id, Ceremony::registration, *challenge); !open)
    return open.error();
  const auto attestation =
      verify_attestation(as_bytes(response.attestation_object), as_bytes(sha256(response.client_data)));
  if (!attestation) return attestation.error();
  if (const auto fits = check_authenticator(settings_, attestation->data); !fits) return fits.error();
  const AttestedCredential& credential = *attestation->data.credential;
  if (as_text(credential.id) != response.credential_id)
    return Error{Errc::invalid_argument, "the browser and the authenticator name different credentials"};
  return keep(account, name, identity::name(attestation->kind), credential, attestation->data.sign_count,
              origin, session_id);
}

Result<WebAuthn::Credential> WebAuthn::keep(const Account& account, std::string_view name,
                                            std::string_view attestation,
                                            const AttestedCredential& credential, std::uint32_t sign_count,
                                            const audit::Origin& origin, std::int64_t session_id) {
  std::optional<Credential> kept;
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    kept.reset();
    const auto count =
        session.query("SELECT COUNT(*) FROM webauthn_credentials WHERE account_id = ?", {account.id});
    if (!count) return count.error();
    if (count->at(0).integer(0) >= static_cast<std::int64_t>(settings_.credentials_per_account))
      return Error{Errc::conflict, "the account has as many security keys as there may be; remove one"};
    const auto rows = session.query(
        fmt::format("INSERT INTO webauthn_credentials (account_id, name, credential_id, public_key, aaguid, "
                    "sign_count, created_at, last_used_at) VALUES (?, ?, ?, ?, ?, ?, ?, NULL) "
                    "ON CONFLICT (credential_id) DO NOTHING RETURNING {}",
                    kColumns),
        {account.id, std::string(name), to_base64url(credential.id), to_base64url(credential.encoded_key),
         to_base64url(credential.aaguid), std::int64_t{sign_count}, to_micros(clock_.now())});
    if (!rows) return rows.error();
    if (rows->empty()) return Error{Errc::conflict, "this security key is registered already"};
    kept = credential_from(rows->front());
    if (const auto ended = end_log_ins(session, account.id, session_id, clock_.now()); !ended)
      return ended.error();
    const std::string detail =
        fmt::format(R"({{"id":{},"name":{},"attestation":"{}"}})", kept->id, json_quote(name), attestation);
    return audit::record(session,
                         account_event(clock_, Action::webauthn_credential_added, account, origin, detail));
  });
  // Also after an error: a commit whose answer was lost on the way is a commit all the same.
  log_ins_ended_(account.id, session_id);
  if (!done) return done.error();
  return *std::move(kept);
}

Result<WebAuthn::Credential> WebAuthn::assert_credential(const Account& account,
                                                         const AssertionResponse& response,
                                                         const audit::Origin& origin) {
  const auto challenge = check_client_data(response.client_data, Ceremony::assertion, settings_.origins);
  if (!challenge) return refused(challenge.error().message);
  if (const auto open = challenges_.redeem(account.id, Ceremony::assertion, *challenge); !open)
    return open.error();
  if (response.user_handle && *response.user_handle != user_handle(account.id))
    return refused("the credential is another account's");
  if (response.credential_id.size() > kMaxCredentialIdBytes ||
      response.signature.size() > kMaxSignatureBytes ||
      response.authenticator_data.size() > kMaxAuthenticatorDataBytes)
    return refused("the authenticator's answer is larger than any authenticator's");
  auto stored = find_credential(database_, account.id, response.credential_id);
  if (!stored) return stored.error();

  const auto data = parse_authenticator_data(as_bytes(response.authenticator_data));
  if (!data) return refused(data.error().message);
  if (data->credential)
    return refused("the authenticator data has a credential, which only registrations have");
  if (const auto fits = check_authenticator(settings_, *data); !fits) return refused(fits.error().message);
  const std::string signed_bytes = response.authenticator_data + sha256(response.client_data);
  if (!stored->key.verifies(as_bytes(signed_bytes), as_bytes(response.signature)))
    return refused("the authenticator's signature does not verify");
  const auto raised = raise_count(account, stored->credential, data->sign_count, origin);
  if (!raised) return raised.error();
  return std::move(stored->credential);
}

// Section 7.2, step 21: an authenticator that counts goes up with each signature; one that does not says zero
// for ever.
Result<void> WebAuthn::raise_count(const Account& account, Credential& credential, std::uint32_t received,
                                   const audit::Origin& origin) {
  enum class Outcome { raised, regressed, gone };
  Outcome outcome = Outcome::gone;
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    outcome = Outcome::gone;
    const auto raised = session.execute(
        "UPDATE webauthn_credentials SET sign_count = ?, last_used_at = ? "
        "WHERE id = ? AND account_id = ? AND (sign_count < ? OR (sign_count = 0 AND ? = 0))",
        {std::int64_t{received}, to_micros(clock_.now()), credential.id, account.id, std::int64_t{received},
         std::int64_t{received}});
    if (!raised) return raised.error();
    if (*raised == 1) {
      outcome = Outcome::raised;
      return {};
    }
    const auto rows =
        session.query("SELECT sign_count FROM webauthn_credentials WHERE id = ?", {credential.id});
    if (!rows) return rows.error();
    if (rows->empty()) return {};
    outcome = Outcome::regressed;
    const std::string detail = fmt::format(R"({{"id":{},"stored":{},"received":{}}})", credential.id,
                                           rows->front().integer(0), received);
    return audit::record(session,
                         account_event(clock_, Action::webauthn_counter_regressed, account, origin, detail));
  });
  if (!done) return done.error();
  if (outcome == Outcome::gone) return refused("the credential was removed meanwhile");
  if (outcome == Outcome::regressed)
    return refused(
        "the security key's counter did not rise: there may be a copy of it; remove it, and enrol another");
  credential.sign_count = received;
  return {};
}

Result<std::vector<WebAuthn::Credential>> WebAuthn::list(const Account& account) {
  std::vector<Credential> credentials;
  const auto done = database_.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(
        fmt::format("SELECT {} FROM webauthn_credentials WHERE account_id = ? ORDER BY id", kColumns),
        {account.id});
    if (!rows) return rows.error();
    credentials.clear();
    for (const db::Row& row : *rows) credentials.push_back(credential_from(row));
    return {};
  });
  if (!done) return done.error();
  return credentials;
}

Result<void> WebAuthn::remove(const Account& account, std::int64_t id, const audit::Origin& origin) {
  return database_.write([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(
        "DELETE FROM webauthn_credentials WHERE id = ? AND account_id = ? RETURNING name", {id, account.id});
    if (!rows) return rows.error();
    if (rows->empty())
      return Error{Errc::not_found, fmt::format("the account has no security key number {}", id)};
    if (const auto dropped = drop_codes_without_factor(session, account.id); !dropped) return dropped.error();
    const std::string detail = fmt::format(R"({{"id":{},"name":{}}})", id, json_quote(rows->front().text(0)));
    return audit::record(session,
                         account_event(clock_, Action::webauthn_credential_removed, account, origin, detail));
  });
}

}  // namespace bulkhead::identity

// /users/{user}/factors: second factors and recovery codes.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/management/operation.h"
#include "api/management/people/users.h"
#include "api/management/vocabulary.h"
#include "identity/factors/mfa.h"
#include "identity/factors/qr.h"
#include "identity/factors/recovery_codes.h"
#include "identity/factors/totp.h"
#include "identity/factors/webauthn.h"
#include "identity/factors/webauthn_messages.h"
#include "identity/people/accounts.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::Account;
using identity::WebAuthn;

constexpr Schema kMessage = any_object();
constexpr Schema kKeyName = text(1, 64);
constexpr Schema kModel = text(0, 64, kVisible);
constexpr Schema kSeed = text(1, 64, kVisible);
constexpr Schema kUri = text(1, 2048, kVisible, "uri");
constexpr Schema kDrawing = text(1, 200'000);
constexpr Schema kShownCode = text(1, 64, kVisible);
constexpr Schema kShownCodes = list(kShownCode, 32);

constexpr Field kKeyFields[] = {
    {"id", &kId, "", kRequired},
    {"name", &kKeyName, "The person's name for it", kRequired},
    {"model", &kModel, "The AAGUID in base64url", kRequired},
    {"created_at", &kTime, "", kRequired},
    {"last_used_at", &kTime, "Absent while it was not used"},
};
constexpr Schema kKey = object("SecurityKey", kKeyFields);
constexpr Schema kKeys = list(kKey, 1000);
constexpr Field kFactorsFields[] = {
    {"totp", &kFlag, "Whether an authenticator app is enrolled", kRequired},
    {"security_keys", &kKeys, "Oldest first", kRequired},
    {"recovery_codes", &kCount, "How many are unused", kRequired},
};
constexpr Schema kFactors = object("Factors", kFactorsFields);

constexpr Field kEnrolmentFields[] = {
    {"secret", &kSeed, "The seed in base32, for typing", kRequired},
    {"uri", &kUri, "otpauth://totp/…", kRequired},
    {"qr_svg", &kDrawing, "The URI as a QR code", kRequired},
};
constexpr Schema kEnrolment = object("TotpEnrolment", kEnrolmentFields);
constexpr Field kCodeFields[] = {{"code", &kCode, "What the app shows", kRequired}};
constexpr Schema kConfirmation = object("TotpConfirmation", kCodeFields);

constexpr Field kCodesFields[] = {
    {"codes", &kShownCodes, "Each good for one log-in; shown this once", kRequired},
};
constexpr Schema kCodes = object("RecoveryCodes", kCodesFields);

constexpr Field kOptionsFields[] = {
    {"options", &kMessage, "For navigator.credentials.create (parseCreationOptionsFromJSON)", kRequired},
};
constexpr Schema kOptions = object("RegistrationOptions", kOptionsFields);
constexpr Field kRegistrationFields[] = {
    {"name", &kKeyName, "The person's name for it", kRequired},
    {"response", &kMessage, "What the browser made of the options (PublicKeyCredential.toJSON)", kRequired},
};
constexpr Schema kRegistration = object("Registration", kRegistrationFields);

Result<Account> account_of(const Call& call) { return call.services.accounts.find(call.path("user")); }

json::object represent_key(const WebAuthn::Credential& credential) {
  json::object out{{"id", credential.id},
                   {"name", credential.name},
                   {"model", credential.aaguid},
                   {"created_at", to_rfc3339(credential.created_at)}};
  if (credential.last_used_at) out["last_used_at"] = to_rfc3339(*credential.last_used_at);
  return out;
}

Result<Reply> get_factors(Call& call) {
  const auto account = account_of(call);
  if (!account) return account.error();
  const auto factors = call.services.mfa.factors(account->id);
  if (!factors) return factors.error();
  const auto credentials = call.services.webauthn.list(*account);
  if (!credentials) return credentials.error();
  json::array keys;
  for (const WebAuthn::Credential& credential : *credentials) keys.push_back(represent_key(credential));
  return Reply(json::object{{"totp", factors->totp},
                            {"security_keys", std::move(keys)},
                            {"recovery_codes", factors->recovery_codes}});
}

Result<Reply> begin_totp(Call& call) {
  const auto account = account_of(call);
  if (!account) return account.error();
  const auto enrolment = call.services.totp.begin(*account, call.origin);
  if (!enrolment) return enrolment.error();
  const auto drawing = identity::qr_as_svg(enrolment->uri);
  if (!drawing) return drawing.error();
  return Reply(json::object{
      {"secret", enrolment->seed.reveal()}, {"uri", enrolment->uri.reveal()}, {"qr_svg", drawing->reveal()}});
}

Result<Reply> confirm_totp(Call& call) {
  const auto account = account_of(call);
  if (!account) return account.error();
  if (auto confirmed =
          call.services.totp.confirm(*account, call.secret("code"), call.origin, call.caller.session_id);
      !confirmed)
    return confirmed.error();
  return Reply();
}

Result<Reply> remove_totp(Call& call) {
  const auto account = account_of(call);
  if (!account) return account.error();
  if (auto removed = call.services.totp.remove(*account, call.origin); !removed) return removed.error();
  return Reply();
}

Result<Reply> make_codes(Call& call) {
  const auto account = account_of(call);
  if (!account) return account.error();
  const auto made = call.services.recovery_codes.regenerate(*account, call.origin);
  if (!made) return made.error();
  json::array codes;
  for (const Secret<>& code : *made) codes.push_back(json::string(code.reveal()));
  return Reply(json::object{{"codes", std::move(codes)}});
}

Result<Reply> begin_key(Call& call) {
  const auto account = account_of(call);
  if (!account) return account.error();
  const auto options = call.services.webauthn.registration_options(*account);
  if (!options) return options.error();
  return Reply(json::object{{"options", json::parse(*options)}});
}

Result<Reply> register_key(Call& call) {
  const auto account = account_of(call);
  if (!account) return account.error();
  const auto response = identity::parse_registration_response(json::serialize(call.body.at("response")));
  if (!response) return response.error();
  const auto credential = call.services.webauthn.register_credential(*account, *call.text("name"), *response,
                                                                     call.origin, call.caller.session_id);
  if (!credential) return credential.error();
  Reply reply(represent_key(*credential));
  reply.location = user_path(account->name) + "/factors";
  return reply;
}

Result<Reply> remove_key(Call& call) {
  const auto account = account_of(call);
  if (!account) return account.error();
  auto removed = call.services.webauthn.remove(*account, call.number("credential"), call.origin);
  if (!removed) return removed.error();
  return Reply();
}

Result<Reply> reset_factors(Call& call) {
  const auto account = account_of(call);
  if (!account) return account.error();
  if (auto reset = call.services.mfa.reset(*account, call.origin); !reset) return reset.error();
  return Reply();
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/users/{user}/factors",
     .id = "getFactors",
     .tag = "factors",
     .summary = "The second factors of an account",
     .permission = kSelf || SystemAction::contain_incident,
     .response = &kFactors,
     .enrols = true,
     .handler = get_factors},
    {.method = http::Method::delete_,
     .path = "/users/{user}/factors",
     .id = "resetFactors",
     .tag = "factors",
     .summary = "Take all factors of somebody who has lost them",
     .permission = may(SystemAction::manage_accounts),
     .status = 204,
     .proof = true,
     .handler = reset_factors},
    {.method = http::Method::post,
     .path = "/users/{user}/factors/totp",
     .id = "beginTotp",
     .tag = "factors",
     .summary = "Begin to enrol an authenticator app",
     .permission = kSelf,
     .response = &kEnrolment,
     .enrols = true,
     .proof = true,
     .secret = true,
     .handler = begin_totp},
    {.method = http::Method::post,
     .path = "/users/{user}/factors/totp/confirmation",
     .id = "confirmTotp",
     .tag = "factors",
     .summary = "Take the authenticator app into use, by a code that it shows",
     .permission = kSelf,
     .request = &kConfirmation,
     .status = 204,
     .enrols = true,
     .proof = true,
     .handler = confirm_totp},
    {.method = http::Method::delete_,
     .path = "/users/{user}/factors/totp",
     .id = "removeTotp",
     .tag = "factors",
     .summary = "Do without the authenticator app",
     .permission = kSelf,
     .status = 204,
     .proof = true,
     .handler = remove_totp},
    {.method = http::Method::post,
     .path = "/users/{user}/factors/recovery-codes",
     .id = "makeRecoveryCodes",
     .tag = "factors",
     .summary = "Make new recovery codes; the old ones are worth nothing",
     .permission = kSelf,
     .response = &kCodes,
     .enrols = true,
     .proof = true,
     .secret = true,
     .handler = make_codes},
    {.method = http::Method::post,
     .path = "/users/{user}/factors/security-keys/options",
     .id = "beginSecurityKey",
     .tag = "factors",
     .summary = "Begin to register a security key",
     .permission = kSelf,
     .response = &kOptions,
     .enrols = true,
     .proof = true,
     .secret = true,
     .handler = begin_key},
    {.method = http::Method::post,
     .path = "/users/{user}/factors/security-keys",
     .id = "registerSecurityKey",
     .tag = "factors",
     .summary = "Register a security key by its answer",
     .permission = kSelf,
     .request = &kRegistration,
     .status = 201,
     .response = &kKey,
     .enrols = true,
     .proof = true,
     .handler = register_key},
    {.method = http::Method::delete_,
     .path = "/users/{user}/factors/security-keys/{credential}",
     .id = "removeSecurityKey",
     .tag = "factors",
     .summary = "Do without a security key",
     .permission = kSelf,
     .status = 204,
     .proof = true,
     .handler = remove_key},
};

}  // namespace

std::span<const Operation> factor_operations() { return kOperations; }

}  // namespace bulkhead::api::management

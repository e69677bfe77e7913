#include "identity/factors/webauthn_messages.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/bytes.h"
#include "crypto/cose.h"
#include "oci/strict_json.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;

constexpr oci::JsonLimits kLimits{.depth = 8, .values = 1000};

Error malformed(std::string_view what) {
  return {Errc::invalid_argument, "the authenticator's answer " + std::string(what)};
}

json::array descriptors(const std::vector<std::string>& credential_ids) {
  json::array list;
  for (const std::string& id : credential_ids)
    list.push_back(json::object{{"type", "public-key"}, {"id", id}});
  return list;
}

std::string_view verification(const WebAuthnSettings& settings) {
  return settings.require_user_verification ? "required" : "preferred";
}

std::int64_t timeout_ms(const WebAuthnSettings& settings) {
  return std::chrono::milliseconds(settings.challenge_lifetime).count();
}

std::string encoded(std::string_view bytes) { return to_base64url(as_bytes(bytes)); }

// The object's member as bytes.
Result<std::string> bytes_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return malformed("lacks " + std::string(key));
  const auto& text = value->get_string();
  auto bytes = from_base64url({text.data(), text.size()});
  if (!bytes || bytes->empty()) return malformed("does not have base64url in " + std::string(key));
  return *std::move(bytes);
}

struct Envelope {
  json::value document;
  std::string credential_id;

  const json::object& response() const { return document.get_object().at("response").get_object(); }
};

Result<Envelope> open_envelope(std::string_view text) {
  if (text.size() > kMaxResponseBytes)
    return Error{Errc::too_large, "the authenticator's answer is larger than 256 KiB"};
  auto document = oci::parse_strict_json(text, kLimits);
  if (!document) return document.error();
  if (!document->is_object()) return malformed("is not a JSON object");
  const auto& object = document->get_object();
  const auto* type = object.if_contains("type");
  if (type == nullptr || !type->is_string() || type->get_string() != "public-key")
    return malformed("is not of the type public-key");
  auto id = bytes_at(object, "rawId");
  if (!id) return id.error();
  const auto* response = object.if_contains("response");
  if (response == nullptr || !response->is_object()) return malformed("lacks response");
  return Envelope{*std::move(document), *std::move(id)};
}

}  // namespace

std::string user_handle(std::int64_t account) {
  std::string handle;
  for (int shift = 56; shift >= 0; shift -= 8) handle.push_back(static_cast<char>(account >> shift & 0xff));
  return handle;
}

std::string registration_options(const WebAuthnSettings& settings, const Account& account,
                                 std::string_view challenge, const std::vector<std::string>& credential_ids) {
  json::array parameters;
  for (const auto algorithm :
       {crypto::CoseAlgorithm::eddsa, crypto::CoseAlgorithm::es256, crypto::CoseAlgorithm::rs256})
    parameters.push_back(json::object{{"type", "public-key"}, {"alg", static_cast<std::int64_t>(algorithm)}});
  return json::serialize(json::object{
      {"rp", json::object{{"id", settings.relying_party}, {"name", settings.name}}},
      {"user",
       json::object{{"id", encoded(user_handle(account.id))},
                    {"name", account.name},
                    {"displayName", account.display_name.empty() ? account.name : account.display_name}}},
      {"challenge", encoded(challenge)},
      {"pubKeyCredParams", std::move(parameters)},
      {"timeout", timeout_ms(settings)},
      {"excludeCredentials", descriptors(credential_ids)},
      {"authenticatorSelection", json::object{{"residentKey", "discouraged"},
                                              {"requireResidentKey", false},
                                              {"userVerification", verification(settings)}}},
      {"attestation", settings.ask_for_attestation ? "direct" : "none"}});
}

std::string assertion_options(const WebAuthnSettings& settings, std::string_view challenge,
                              const std::vector<std::string>& credential_ids) {
  return json::serialize(json::object{{"challenge", encoded(challenge)},
                                      {"timeout", timeout_ms(settings)},
                                      {"rpId", settings.relying_party},
                                      {"allowCredentials", descriptors(credential_ids)},
                                      {"userVerification", verification(settings)}});
}

Result<RegistrationResponse> parse_registration_response(std::string_view text) {
  auto envelope = open_envelope(text);
  if (!envelope) return envelope.error();
  auto client_data = bytes_at(envelope->response(), "clientDataJSON");
  if (!client_data) return client_data.error();
  auto attestation = bytes_at(envelope->response(), "attestationObject");
  if (!attestation) return attestation.error();
  return RegistrationResponse{std::move(envelope->credential_id), *std::move(client_data),
                              *std::move(attestation)};
}

Result<AssertionResponse> parse_assertion_response(std::string_view text) {
  auto envelope = open_envelope(text);
  if (!envelope) return envelope.error();
  const json::object& response = envelope->response();
  auto client_data = bytes_at(response, "clientDataJSON");
  if (!client_data) return client_data.error();
  auto authenticator_data = bytes_at(response, "authenticatorData");
  if (!authenticator_data) return authenticator_data.error();
  auto signature = bytes_at(response, "signature");
  if (!signature) return signature.error();
  std::optional<std::string> handle;
  if (const auto* value = response.if_contains("userHandle"); value != nullptr && !value->is_null()) {
    auto bytes = bytes_at(response, "userHandle");
    if (!bytes) return bytes.error();
    handle = *std::move(bytes);
  }
  return AssertionResponse{std::move(envelope->credential_id), *std::move(client_data),
                           *std::move(authenticator_data), *std::move(signature), std::move(handle)};
}

}  // namespace bulkhead::identity

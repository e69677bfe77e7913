#include "identity/factors/testing/authenticator.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "crypto/testing/cbor_writer.h"

namespace bulkhead::identity::testing {
namespace {

namespace json = boost::json;
using namespace crypto::testing;

std::string sha256(std::string_view text) {
  return crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(text));
}

std::string big_endian(std::uint32_t value, int bytes) {
  std::string out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xff));
  return out;
}

std::string encoded(std::string_view bytes) { return to_base64url(as_bytes(bytes)); }

std::string envelope(std::string_view credential_id, json::object response) {
  return json::serialize(json::object{{"id", encoded(credential_id)},
                                      {"rawId", encoded(credential_id)},
                                      {"type", "public-key"},
                                      {"authenticatorAttachment", "cross-platform"},
                                      {"clientExtensionResults", json::object{}},
                                      {"response", std::move(response)}});
}

}  // namespace

Authenticator::Authenticator(crypto::CoseAlgorithm algorithm)
    : credential_id(crypto::random_bytes(32)), key(algorithm) {}

RegistrationResponse Authenticator::create(std::string_view options) {
  if (counts) ++sign_count;
  return attested(client_data("webauthn.create", challenge_in(options)), data(true));
}

AssertionResponse Authenticator::get(std::string_view options) {
  if (counts) ++sign_count;
  return signed_by_key(client_data("webauthn.get", challenge_in(options)), data(false));
}

std::string Authenticator::client_data(std::string_view type, std::string_view challenge) const {
  return fmt::format(R"({{"type":"{}","challenge":"{}","origin":"{}"{}}})", type, challenge, origin,
                     more_client_data);
}

std::string Authenticator::data(bool with_credential) const {
  const unsigned flags = (user_present ? 0x01u : 0) | (user_verified ? 0x04u : 0) |
                         (with_credential ? 0x40u : 0) | (extensions.empty() ? 0 : 0x80u);
  std::string out = sha256(relying_party) + big_endian(flags, 1) + big_endian(sign_count, 4);
  if (with_credential) {
    out += aaguid + big_endian(static_cast<std::uint32_t>(credential_id.size()), 2) + credential_id;
    out += key.public_key();
  }
  return out + extensions;
}

std::string Authenticator::attestation_object(std::string_view data, std::string_view client_data) const {
  const std::string message = std::string(data) + sha256(client_data);
  const auto statement = [&](const CoseSigner& signer) {
    const auto algorithm =
        std::pair{cbor_text("alg"), cbor_integer(static_cast<std::int64_t>(signer.algorithm()))};
    const auto signature = std::pair{cbor_text("sig"), cbor_bytes(signer.sign(message))};
    if (attestation == AttestationKind::self) return cbor_map({algorithm, signature});
    const std::string certificate = make_attestation_certificate(signer, maker_subject);
    return cbor_map({algorithm, signature, {cbor_text("x5c"), cbor_array({cbor_bytes(certificate)})}});
  };
  const bool is_packed = attestation != AttestationKind::none;
  return cbor_map(
      {{cbor_text("fmt"), cbor_text(is_packed ? "packed" : "none")},
       {cbor_text("attStmt"),
        !is_packed ? cbor_map({}) : statement(attestation == AttestationKind::self ? key : maker)},
       {cbor_text("authData"), cbor_bytes(data)}});
}

RegistrationResponse Authenticator::attested(const std::string& client_data, const std::string& data) const {
  return {.credential_id = credential_id,
          .client_data = client_data,
          .attestation_object = attestation_object(data, client_data)};
}

AssertionResponse Authenticator::signed_by_key(const std::string& client_data,
                                               const std::string& data) const {
  return {.credential_id = credential_id,
          .client_data = client_data,
          .authenticator_data = data,
          .signature = key.sign(data + sha256(client_data)),
          .user_handle = user_handle.empty() ? std::nullopt : std::optional(user_handle)};
}

std::string challenge_in(std::string_view options) {
  const auto parsed = json::parse(json::string_view(options.data(), options.size()));
  return std::string(parsed.at("challenge").as_string().c_str());
}

std::string to_json(const RegistrationResponse& response) {
  return envelope(response.credential_id, {{"clientDataJSON", encoded(response.client_data)},
                                           {"attestationObject", encoded(response.attestation_object)},
                                           {"transports", json::array{"usb"}}});
}

std::string to_json(const AssertionResponse& response) {
  json::object object{{"clientDataJSON", encoded(response.client_data)},
                      {"authenticatorData", encoded(response.authenticator_data)},
                      {"signature", encoded(response.signature)}};
  object["userHandle"] = response.user_handle ? json::value(encoded(*response.user_handle)) : json::value();
  return envelope(response.credential_id, std::move(object));
}

}  // namespace bulkhead::identity::testing

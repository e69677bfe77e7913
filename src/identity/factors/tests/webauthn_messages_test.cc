#include "identity/factors/webauthn_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "db/testing/database_contract.h"
#include "identity/factors/testing/authenticator.h"
#include "identity/login/testing/second_factors.h"

namespace bulkhead::identity {
namespace {

using db::testing::FailsWith;

TEST(WebAuthnMessages, AsksForARegistrationAsBrowsersReadIt) {
  Account account;
  account.id = 258;
  account.name = "alice";
  WebAuthnSettings settings = testing::some_webauthn_settings();
  const auto expected = boost::json::parse(R"({
    "rp":{"id":"registry.example.com","name":"Bulkhead"},
    "user":{"id":"AAAAAAAAAQI","name":"alice","displayName":"alice"},
    "challenge":"YWJj",
    "pubKeyCredParams":[{"type":"public-key","alg":-8},{"type":"public-key","alg":-7},
                        {"type":"public-key","alg":-257}],
    "timeout":300000,
    "excludeCredentials":[{"type":"public-key","id":"eA"}],
    "authenticatorSelection":{"residentKey":"discouraged","requireResidentKey":false,
                              "userVerification":"preferred"},
    "attestation":"none"})");
  EXPECT_EQ(boost::json::parse(registration_options(settings, account, "abc", {"eA"})), expected);
  account.display_name = "Alice A.";
  settings.require_user_verification = true;
  settings.ask_for_attestation = true;
  const auto strict = boost::json::parse(registration_options(settings, account, "abc", {}));
  EXPECT_EQ(strict.at("attestation"), "direct");
  EXPECT_EQ(strict.at("user").at("displayName"), "Alice A.");
  EXPECT_EQ(strict.at("authenticatorSelection").at("userVerification"), "required");
}

TEST(WebAuthnMessages, AsksForAnAssertionAsBrowsersReadIt) {
  EXPECT_EQ(boost::json::parse(assertion_options(testing::some_webauthn_settings(), "abc", {"eA", "eQ"})),
            boost::json::parse(R"({"challenge":"YWJj","timeout":300000,"rpId":"registry.example.com",
    "allowCredentials":[{"type":"public-key","id":"eA"},{"type":"public-key","id":"eQ"}],
    "userVerification":"preferred"})"));
}

TEST(WebAuthnMessages, ReadsWhatBrowsersGive) {
  const auto registration = parse_registration_response(testing::to_json(
      RegistrationResponse{.credential_id = "i", .client_data = "c", .attestation_object = "a"}));
  ASSERT_TRUE(registration.has_value()) << registration.error().message;
  EXPECT_EQ(registration->credential_id, "i");
  EXPECT_EQ(registration->client_data, "c");
  EXPECT_EQ(registration->attestation_object, "a");

  AssertionResponse response{.credential_id = "i",
                             .client_data = "c",
                             .authenticator_data = "d",
                             .signature = "s",
                             .user_handle = {}};
  const auto assertion = parse_assertion_response(testing::to_json(response));
  ASSERT_TRUE(assertion.has_value()) << assertion.error().message;
  EXPECT_EQ(assertion->credential_id, "i");
  EXPECT_EQ(assertion->client_data, "c");
  EXPECT_EQ(assertion->authenticator_data, "d");
  EXPECT_EQ(assertion->signature, "s");
  EXPECT_EQ(assertion->user_handle, std::nullopt);
  response.user_handle = "u";
  EXPECT_EQ(parse_assertion_response(testing::to_json(response))->user_handle, "u");
}

TEST(WebAuthnMessages, RefusesWhatIsNoAnswer) {
  for (const char* json :
       {"", "[]", "{}", R"({"type":"public-key","rawId":"AA"})",
        R"({"type":"public-key","rawId":"AA","response":[]})",
        R"({"type":"public-key","rawId":"AA","response":{}})", R"({"rawId":"AA","response":{}})",
        R"({"type":"password","rawId":"AA","response":{"clientDataJSON":"AA","attestationObject":"AA",)"
        R"("authenticatorData":"AA","signature":"AA"}})",
        R"({"type":"public-key","rawId":"","response":{"clientDataJSON":"AA","attestationObject":"AA",)"
        R"("authenticatorData":"AA","signature":"AA"}})",
        R"({"type":"public-key","rawId":"AA","response":{"clientDataJSON":"A+","attestationObject":"A+",)"
        R"("authenticatorData":"AA","signature":"AA"}})",
        R"({"type":"public-key","rawId":"AA","response":{"clientDataJSON":7,"attestationObject":7,)"
        R"("authenticatorData":"AA","signature":"AA"}})"}) {
    EXPECT_THAT(parse_registration_response(json), FailsWith(Errc::invalid_argument)) << json;
    EXPECT_THAT(parse_assertion_response(json), FailsWith(Errc::invalid_argument)) << json;
  }
  const std::string huge(kMaxResponseBytes + 1, ' ');
  EXPECT_THAT(parse_registration_response(huge), FailsWith(Errc::too_large));
  EXPECT_THAT(parse_assertion_response(huge), FailsWith(Errc::too_large));
}

}  // namespace
}  // namespace bulkhead::identity

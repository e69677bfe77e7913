#include "identity/factors/client_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "db/testing/database_contract.h"

namespace bulkhead::identity {
namespace {

using db::testing::FailsWith;

const std::vector<std::string> kOrigins = {"https://a.example", "https://a.example:8443"};

Result<std::string> check(std::string_view json, Ceremony ceremony = Ceremony::assertion) {
  return check_client_data(json, ceremony, kOrigins);
}

TEST(ClientData, GivesTheChallengeOfWhatWasAskedFor) {
  const auto challenge = check(R"({"type":"webauthn.get","challenge":"YWJj","origin":"https://a.example"})");
  ASSERT_TRUE(challenge.has_value()) << challenge.error().message;
  EXPECT_EQ(*challenge, "abc");
  EXPECT_TRUE(check(R"({"type":"webauthn.create","challenge":"YWJj","origin":"https://a.example:8443",)"
                    R"("crossOrigin":false,"tokenBinding":{"status":"supported"},"later":[1]})",
                    Ceremony::registration)
                  .has_value());
}

TEST(ClientData, RefusesTheOtherCeremony) {
  constexpr std::string_view kGet =
      R"({"type":"webauthn.get","challenge":"YWJj","origin":"https://a.example"})";
  constexpr std::string_view kCreate =
      R"({"type":"webauthn.create","challenge":"YWJj","origin":"https://a.example"})";
  EXPECT_THAT(check(kGet, Ceremony::registration), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(check(kCreate, Ceremony::assertion), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(check(R"({"type":"payment.get","challenge":"YWJj","origin":"https://a.example"})"),
              FailsWith(Errc::invalid_argument));
}

TEST(ClientData, RefusesOtherOrigins) {
  for (const char* origin :
       {"https://b.example", "http://a.example", "https://a.example/", "https://A.example",
        "https://a.example.b.example", "https://a.example:443", "", "null"})
    EXPECT_THAT(
        check(R"({"type":"webauthn.get","challenge":"YWJj","origin":")" + std::string(origin) + "\"}"),
        FailsWith(Errc::invalid_argument))
        << origin;
}

TEST(ClientData, RefusesOtherSitesFramesAndTokenBindings) {
  for (const char* more : {R"("crossOrigin":true)", R"("crossOrigin":"false")", R"("crossOrigin":null)",
                           R"("tokenBinding":{"status":"present","id":"YQ"})", R"("tokenBinding":{})",
                           R"("tokenBinding":"supported")"})
    EXPECT_THAT(check(R"({"type":"webauthn.get","challenge":"YWJj","origin":"https://a.example",)" +
                      std::string(more) + "}"),
                FailsWith(Errc::invalid_argument))
        << more;
}

TEST(ClientData, RefusesWhatIsNoClientData) {
  for (const char* json :
       {"", "{}", "[]", "null", "{\"type\":\"webauthn.get\"",
        R"({"type":"webauthn.get","origin":"https://a.example"})",
        R"({"type":"webauthn.get","challenge":"","origin":"https://a.example"})",
        R"({"type":"webauthn.get","challenge":"YWJj=","origin":"https://a.example"})",
        R"({"type":"webauthn.get","challenge":7,"origin":"https://a.example"})",
        R"({"type":"webauthn.get","challenge":"YWJj","origin":["https://a.example"]})",
        R"({"type":"x","type":"webauthn.get","challenge":"YWJj","origin":"https://a.example"})",
        R"({"type":"webauthn.get","challenge":"YWJj","origin":"https://a.example"} )"
        "\1"})
    EXPECT_THAT(check(json), FailsWith(Errc::invalid_argument)) << json;
  EXPECT_THAT(check(R"({"type":"webauthn.get","challenge":"YWJj","origin":"https://a.example","x":")" +
                    std::string(9000, 'x') + "\"}"),
              FailsWith(Errc::invalid_argument));
}

}  // namespace
}  // namespace bulkhead::identity

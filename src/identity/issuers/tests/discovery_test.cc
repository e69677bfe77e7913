#include "identity/issuers/discovery.h"

#include <gtest/gtest.h>

namespace bulkhead::identity {
namespace {

constexpr std::string_view kIssuer = "https://ci.example";

TEST(Discovery, IsBelowTheIssuer) {
  EXPECT_EQ(discovery_url("https://a.example"), "https://a.example/.well-known/openid-configuration");
  EXPECT_EQ(discovery_url("https://a.example/"), "https://a.example/.well-known/openid-configuration");
  EXPECT_EQ(discovery_url("https://a.example/t/1"), "https://a.example/t/1/.well-known/openid-configuration");
}

TEST(Discovery, SaysWhereThingsAre) {
  const auto found = parse_discovery(
      R"({"issuer":"https://ci.example","jwks_uri":"https://keys.example/k","token_endpoint":"https://ci.example/t",
          "authorization_endpoint":"http://ci.example/a","other":[1,2]})",
      kIssuer, {});
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_EQ(found->jwks_uri, "https://keys.example/k");
  EXPECT_EQ(found->token_endpoint, "https://ci.example/t");
  EXPECT_EQ(found->authorization_endpoint, "");  // not https
  EXPECT_EQ(found->device_authorization_endpoint, "");
}

TEST(Discovery, SaysHowAClientAuthenticates) {
  const auto in_form = [](const std::string& methods) {
    return parse_discovery(R"({"issuer":"https://ci.example","jwks_uri":"https://ci.example/k",)"
                           R"("userinfo_endpoint":"https://ci.example/u")" +
                               methods + "}",
                           kIssuer, {})
        ->secret_in_form;
  };
  const std::string name = R"(,"token_endpoint_auth_methods_supported":)";
  EXPECT_FALSE(in_form("")) << "the header is the default";
  EXPECT_TRUE(in_form(name + R"(["private_key_jwt","client_secret_post"])"));
  EXPECT_FALSE(in_form(name + R"(["client_secret_post","client_secret_basic"])"));
  EXPECT_FALSE(in_form(name + R"(["private_key_jwt"])"));
  EXPECT_FALSE(in_form(name + R"(["client_secret_basic",7])"));
  EXPECT_FALSE(in_form(name + R"("client_secret_post")"));
}

TEST(Discovery, RefusesOtherIssuersAndKeysElsewhereThanOnTheWeb) {
  for (
      const char* document :
      {"", "[]", "{}", R"({"issuer":"https://ci.example"})",
       R"({"issuer":"https://ci.example","jwks_uri":1})",
       R"({"issuer":"https://ci.example/","jwks_uri":"https://ci.example/k"})",
       R"({"issuer":"https://CI.example","jwks_uri":"https://ci.example/k"})",
       R"({"issuer":["https://ci.example"],"jwks_uri":"https://ci.example/k"})",
       R"({"issuer":"https://ci.example","jwks_uri":"http://ci.example/k"})",
       R"({"issuer":"https://ci.example","jwks_uri":"file:///etc/passwd"})",
       R"({"issuer":"https://ci.example","jwks_uri":"https://u:p@ci.example/k"})",
       R"({"issuer":"https://ci.example","issuer":"https://ci.example","jwks_uri":"https://ci.example/k"})"}) {
    const auto found = parse_discovery(document, kIssuer, {});
    ASSERT_TRUE(found.has_error()) << document;
    EXPECT_EQ(found.error().code, Errc::invalid_argument);
  }
}

}  // namespace
}  // namespace bulkhead::identity

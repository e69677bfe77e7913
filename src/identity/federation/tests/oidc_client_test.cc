#include "identity/federation/oidc_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "db/testing/database_contract.h"
#include "identity/federation/testing/test_provider.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;

using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ManualClock;
using ::testing::Not;
using testing::SigningKey;
using testing::some_person;
using ::testing::StartsWith;
using testing::TestProvider;

constexpr std::string_view kRedirect = "https://registry.example/login/callback";

class OidcClientTest : public ::testing::Test {
 protected:
  Result<OidcClient::Vouched> log_in(const json::object& person = some_person()) {
    const Secret<> verifier(std::string(43, 'v'));
    const auto url = client_.authorization_url(settings_, {.redirect_uri = std::string(kRedirect),
                                                           .state = "state",
                                                           .nonce = "nonce",
                                                           .code_challenge = code_challenge(verifier)});
    if (!url) return url.error();
    const auto answer = provider_.log_in(*url, person);
    return redeem(answer.code, verifier);
  }
  Result<OidcClient::Vouched> redeem(const std::string& code, const Secret<>& verifier,
                                     std::string_view nonce = "nonce",
                                     std::string_view redirect = kRedirect) {
    const Secret<> kept(code);
    return client_.redeem(settings_, secret_, {.code = kept, .verifier = verifier, .redirect_uri = redirect},
                          nonce);
  }
  Result<OidcClient::Vouched> with_claims(std::function<void(json::object&)> change) {
    provider_.change_claims = std::move(change);
    auto outcome = log_in();
    provider_.change_claims = nullptr;
    return outcome;
  }
  Result<OidcClient::Vouched> with_claim(const char* name, json::value value) {
    return with_claims([&](json::object& claims) { claims.insert_or_assign(name, value); });
  }
  Result<OidcClient::Vouched> with_answer(std::function<void(json::object&)> change) {
    provider_.change_answer = std::move(change);
    auto outcome = log_in();
    provider_.change_answer = nullptr;
    return outcome;
  }
  std::string token_url() const { return provider_.issuer.url() + "/token"; }

  ManualClock clock_;
  TestProvider provider_{clock_};
  IssuerKeys keys_{provider_, clock_, {}};
  OidcClient client_{provider_, keys_, clock_};
  OidcSettings settings_ = provider_.settings();
  Secret<> secret_{std::string(TestProvider::kSecret)};
};

TEST_F(OidcClientTest, LogsInWithTheCodeAndTakesOverWhatTheProviderSays) {
  const auto vouched = log_in();
  ASSERT_THAT(vouched, Succeeds());
  EXPECT_EQ(vouched->person.subject, "id-of-dora");
  EXPECT_EQ(vouched->person.name, "dora");
  EXPECT_EQ(vouched->person.display_name, "Somebody Else");
  EXPECT_EQ(vouched->person.email, "dora@example.com");
  EXPECT_TRUE(vouched->person.email_verified);
  EXPECT_THAT(vouched->person.groups, ElementsAre("devs", "staff"));
  EXPECT_FALSE(vouched->person.multi_factor);
  EXPECT_THAT(vouched->refresh.reveal(), StartsWith("refresh-"));
  EXPECT_FALSE(provider_.last_form.contains("client_id"));
}

TEST_F(OidcClientTest, APublicClientSendsItsNameInsteadOfASecret) {
  provider_.public_client = true;
  secret_ = {};
  EXPECT_THAT(log_in(), Succeeds());
  EXPECT_EQ(provider_.last_form["client_id"], "bulk:head");
}

TEST_F(OidcClientTest, TheAuthorizationUrlKeepsTheEndpointsOwnQuery) {
  OidcSettings settings;
  settings.client_id = "a b&c";
  EXPECT_EQ(authorization_url(
                "https://x.example/a?tenant=1", settings,
                {.redirect_uri = "https://r.example/cb", .state = "s", .nonce = "n", .code_challenge = "c"}),
            "https://x.example/a?tenant=1&response_type=code&client_id=a%20b%26c&redirect_uri=https%3A%2F%2F"
            "r.example%2Fcb&scope=openid%20profile%20email&state=s&nonce=n&code_challenge=c&code_challenge_"
            "method=S256");
}

TEST_F(OidcClientTest, TheChallengeIsThatOfTheRfc) {
  // RFC 7636 appendix B.
  EXPECT_EQ(code_challenge(Secret<>("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST_F(OidcClientTest, ACodeIsGoodOnceWithItsVerifierAndItsRedirectUri) {
  const Secret<> verifier(std::string(43, 'v'));
  const auto fresh_code = [&] {
    const auto url = client_.authorization_url(settings_, {.redirect_uri = std::string(kRedirect),
                                                           .state = "state",
                                                           .nonce = "nonce",
                                                           .code_challenge = code_challenge(verifier)});
    return provider_.log_in(url.value(), some_person()).code;
  };
  const std::string code = fresh_code();
  ASSERT_THAT(redeem(code, verifier), Succeeds());
  EXPECT_THAT(redeem(code, verifier), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(redeem(fresh_code(), Secret<>(std::string(43, 'w'))), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(redeem(fresh_code(), verifier, "nonce", "https://other.example/cb"),
              FailsWith(Errc::unauthenticated));
  EXPECT_THAT(redeem(fresh_code(), verifier, "another nonce"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(redeem(fresh_code(), verifier, ""), FailsWith(Errc::unauthenticated));
}

TEST_F(OidcClientTest, RefusesEveryForgedIdToken) {
  json::object good;
  provider_.sign = [&](const json::object& claims) {
    good = claims;
    return testing::mint(provider_.issuer.key(), claims);
  };
  ASSERT_THAT(log_in(), Succeeds());
  std::size_t tried = 0;
  // Made out to this client; their names are those of what is wrong with them.
  const auto forged = testing::forgeries(provider_.issuer, good, clock_.now());
  for (const auto& forgery : forged) {
    // A long life is nothing against an ID token: it is used once.
    if (forgery.name == "good for two days") continue;
    provider_.sign = [&](const json::object&) { return forgery.token; };
    const auto outcome = log_in();
    ASSERT_TRUE(outcome.has_error()) << forgery.name;
    // What no token endpoint may put into its answer is refused before it is read as a token.
    EXPECT_THAT(outcome.error().code, ::testing::AnyOf(Errc::unauthenticated, Errc::unavailable))
        << forgery.name << ": " << outcome.error().message;
    ++tried;
  }
  EXPECT_GT(tried, 30u);
}

TEST_F(OidcClientTest, RefusesAnIdTokenThatIsNotForThisLogIn) {
  const auto refused = FailsWith(Errc::unauthenticated);
  EXPECT_THAT(with_claim("nonce", "another"), refused);
  EXPECT_THAT(with_claim("nonce", 7), refused);
  EXPECT_THAT(with_claims([](json::object& claims) { claims.erase("nonce"); }), refused);
  EXPECT_THAT(with_claim("aud", "another"), refused);
  EXPECT_THAT(with_claim("aud", json::array{"bulk:head", "another"}), refused);
  EXPECT_THAT(with_claim("azp", "another"), refused);
  EXPECT_THAT(with_claim("aud", json::array(10'000, "bulk:head")), refused);
  EXPECT_THAT(with_claim("iss", "https://ci.example"), refused);
  EXPECT_THAT(with_claim("at_hash", json::string(testing::at_hash_of("another"))), refused);
  EXPECT_THAT(with_claim("at_hash", json::array{}), refused);
  EXPECT_THAT(with_claims([](json::object& claims) {
                claims["aud"] = json::array{"bulk:head", "another"};
                claims["azp"] = "bulk:head";
              }),
              Succeeds());
  EXPECT_THAT(with_claims([](json::object& claims) { claims.erase("at_hash"); }), Succeeds());
}

TEST_F(OidcClientTest, RefusesATokenOfAnIssuerThatIsTrustedElsewhere) {
  TestProvider other(clock_, "https://other.example");
  provider_.sign = [&](const json::object& claims) {
    auto theirs = claims;
    theirs["iss"] = other.issuer.url();
    return testing::mint(other.issuer.key(), theirs);
  };
  EXPECT_THAT(log_in(), FailsWith(Errc::unauthenticated));
  for (const auto& url : provider_.issuer.urls()) EXPECT_THAT(url, StartsWith(provider_.issuer.url()));
}

TEST_F(OidcClientTest, AnAnswerThatIsNoneSpeaksAboutTheProvider) {
  const auto unusable = FailsWith(Errc::unavailable);
  EXPECT_THAT(with_answer([](json::object& answer) {
                answer["id_token"] = json::array{"a", "b"};
              }),
              unusable);
  EXPECT_THAT(with_answer([](json::object& answer) { answer["token_type"] = "mac"; }), unusable);
  EXPECT_THAT(with_answer([](json::object& answer) { answer.erase("token_type"); }), unusable);
  EXPECT_THAT(with_answer([](json::object& answer) { answer.erase("access_token"); }), unusable);
  EXPECT_THAT(with_answer([](json::object& answer) { answer["refresh_token"] = std::string(9000, 'r'); }),
              unusable);
  EXPECT_THAT(with_answer([](json::object& answer) { answer["token_type"] = "bEARER"; }), Succeeds());
  // No ID token: it was no OpenID request.
  EXPECT_THAT(with_answer([](json::object& answer) { answer.erase("id_token"); }),
              FailsWith(Errc::unauthenticated));
  for (const std::string_view body : {"", "hello", "[]", "{\"access_token\":\"a\",\"access_token\":\"b\"}"}) {
    provider_.issuer.answer(token_url(), std::string(body));
    EXPECT_THAT(log_in(), unusable) << body;
  }
  for (const unsigned status : {201u, 302u, 400u, 403u, 500u, 503u}) {
    provider_.issuer.answer(token_url(), FetchAnswer{status, "{}"});
    EXPECT_THAT(log_in(), unusable) << status;
  }
  for (const Errc code : {Errc::unavailable, Errc::denied, Errc::too_large}) {
    provider_.issuer.answer(token_url(), Result<FetchAnswer>(Error{code, "it is like that"}));
    EXPECT_THAT(log_in(), unusable);
  }
  provider_.issuer.answer(token_url(), FetchAnswer{401, R"({"error":"invalid_client"})"});
  EXPECT_THAT(log_in(), unusable);
  provider_.issuer.answer(token_url(), FetchAnswer{400, R"({"error":"invalid_grant"})"});
  EXPECT_THAT(log_in(), FailsWith(Errc::unauthenticated));
}

TEST_F(OidcClientTest, NeverSendsTheSecretToAnEndpointThatIsRefused) {
  const std::string document =
      json::serialize(json::object{{"issuer", provider_.issuer.url()},
                                   {"jwks_uri", provider_.issuer.keys_url()},
                                   {"authorization_endpoint", provider_.issuer.url() + "/authorize"},
                                   {"token_endpoint", "http://login.example/token"}});
  provider_.issuer.answer(provider_.issuer.discovery_url(), document);
  EXPECT_THAT(log_in(), FailsWith(Errc::unavailable));
  for (const auto& url : provider_.issuer.urls()) EXPECT_THAT(url, Not(HasSubstr("/token")));
}

TEST_F(OidcClientTest, ComparesTheIssuerOfTheAuthorizationResponse) {
  EXPECT_THAT(client_.check_response_issuer(settings_, settings_.issuer), Succeeds());
  EXPECT_THAT(client_.check_response_issuer(settings_, ""), Succeeds());
  EXPECT_THAT(client_.check_response_issuer(settings_, settings_.issuer + "/"),
              FailsWith(Errc::unauthenticated));
  provider_.issuer.answer(
      provider_.issuer.discovery_url(),
      json::serialize(json::object{{"issuer", provider_.issuer.url()},
                                   {"jwks_uri", provider_.issuer.keys_url()},
                                   {"authorization_response_iss_parameter_supported", true}}));
  clock_.advance(std::chrono::hours(2));
  EXPECT_THAT(client_.check_response_issuer(settings_, ""), FailsWith(Errc::unauthenticated));
}

TEST_F(OidcClientTest, RefreshesAndRotates) {
  auto vouched = log_in();
  ASSERT_THAT(vouched, Succeeds());
  const auto again = client_.refresh(settings_, secret_, "id-of-dora", vouched->refresh);
  ASSERT_THAT(again, Succeeds());
  EXPECT_THAT(again->person.groups, ElementsAre("devs", "staff"));
  EXPECT_NE(again->refresh.reveal(), vouched->refresh.reveal());
  // The old one is used up, and the new one works.
  EXPECT_THAT(client_.refresh(settings_, secret_, "id-of-dora", vouched->refresh),
              FailsWith(Errc::unauthenticated));
  provider_.refreshes = false;
  const auto kept = client_.refresh(settings_, secret_, "id-of-dora", again->refresh);
  ASSERT_THAT(kept, Succeeds());
  EXPECT_EQ(kept->refresh.reveal(), again->refresh.reveal());
}

TEST_F(OidcClientTest, OnlyTheProvidersNoEndsWhatItVouchedFor) {
  const auto refreshed = [&](std::function<void(json::object&)> claims,
                             std::function<void(json::object&)> answer, std::string_view subject) {
    auto vouched = log_in();
    provider_.change_claims = std::move(claims);
    provider_.change_answer = std::move(answer);
    auto outcome = client_.refresh(settings_, secret_, subject, vouched->refresh);
    provider_.change_claims = nullptr;
    provider_.change_answer = nullptr;
    return outcome;
  };
  const auto cannot_be_asked = FailsWith(Errc::unavailable);
  EXPECT_THAT(refreshed({}, {}, "somebody-else"), cannot_be_asked);
  EXPECT_THAT(refreshed(
                  {}, [](json::object& answer) { answer.erase("id_token"); }, "id-of-dora"),
              cannot_be_asked);
  EXPECT_THAT(refreshed([](json::object& claims) { claims["aud"] = "another"; }, {}, "id-of-dora"),
              cannot_be_asked);
  const auto unreadable = refreshed([](json::object& claims) { claims["groups"] = 7; }, {}, "id-of-dora");
  ASSERT_THAT(unreadable, Succeeds());
  EXPECT_FALSE(unreadable->person.groups_complete) << "nobody loses a team by that";
  auto vouched = log_in();
  provider_.issuer.answer(token_url(), FetchAnswer{503, "later"});
  EXPECT_THAT(client_.refresh(settings_, secret_, "id-of-dora", vouched->refresh), cannot_be_asked);
  provider_.issuer.serve_itself_again();
  provider_.forget_refresh_tokens();
  EXPECT_THAT(client_.refresh(settings_, secret_, "id-of-dora", vouched->refresh),
              FailsWith(Errc::unauthenticated));
}

}  // namespace
}  // namespace bulkhead::identity

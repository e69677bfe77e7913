#include "access/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "access/claims.h"
#include "access/tests/facts_fixture.h"
#include "base/bytes.h"
#include "crypto/token.h"

namespace bulkhead::access {
namespace {

using namespace std::chrono_literals;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::some_origin;

class TokensTest : public testing::FactsFixture {
 protected:
  static constexpr std::string_view kHome = "192.0.2.7";

  static std::vector<Scope> scopes(const std::vector<std::string>& values) {
    return parse_scopes(values, 1000);
  }

  std::string issue(const Principal& principal, const std::vector<std::string>& requested = {}) {
    return tokens_.issue(principal, scopes(requested)).value().token;
  }

  // What the answer of a request would be: peek() first, verify() when it has none.
  Result<std::shared_ptr<const Bearer>> check(std::string_view token, std::string_view address = kHome) {
    if (auto known = tokens_.peek(token, address)) return *std::move(known);
    return tokens_.verify(token, address);
  }

  std::string sign(const Claims& claims) {
    return crypto::sign_jwt(installation_.keyring, crypto::KeyPurpose::token_signing, render_claims(claims));
  }
  Claims good_claims() {
    const Time now = installation_.clock.now();
    return {.issuer = "bulkhead",
            .audience = "bulkhead",
            .account_id = alice_.account_id,
            .account = "alice",
            .credential_version = alice_.credential_version,
            .token_id = "0a1b",
            .access_token_id = 0,
            .ceiling = {},
            .issued_at = now,
            .not_before = now,
            .expires_at = now + 300s,
            .scopes = {}};
  }

  identity::AccessTokens access_tokens_{*installation_.database, installation_.keyring,
                                        installation_.accounts,  policies_,
                                        installation_.clock,     {}};
  Tokens tokens_{installation_.keyring,
                 installation_.accounts,
                 access_tokens_,
                 policies_,
                 facts_,
                 installation_.clock,
                 {}};
};

TEST_P(TokensTest, GoThroughWhatTheyWereIssuedFor) {
  const auto issued = tokens_.issue(alice_, scopes({"repository:alice/app:pull,push", "registry:catalog:*"}));
  ASSERT_THAT(issued, Succeeds());
  EXPECT_EQ(issued->lifetime, 300s);
  EXPECT_EQ(issued->issued_at, installation_.clock.now());
  const auto bearer = check(issued->token);
  ASSERT_THAT(bearer, Succeeds());
  EXPECT_EQ((*bearer)->principal.account_id, alice_.account_id);
  EXPECT_EQ((*bearer)->principal.account, "alice");
  EXPECT_FALSE((*bearer)->principal.administrator);
  EXPECT_EQ((*bearer)->token_id.size(), 32u);
  EXPECT_EQ((*bearer)->expires_at, installation_.clock.now() + 300s);
  EXPECT_TRUE((*bearer)->covers("alice/app", Action::pull));
  EXPECT_TRUE((*bearer)->covers("alice/app", Action::push));
  EXPECT_FALSE((*bearer)->covers("alice/app", Action::remove));
  EXPECT_FALSE((*bearer)->covers("alice/ap", Action::pull));
  EXPECT_FALSE((*bearer)->covers("catalog", Action::pull));
  EXPECT_TRUE((*bearer)->covers_catalog());
}

TEST_P(TokensTest, GrantThePartThatIsAllowedAndLeaveOutTheRest) {
  make("bob/public");
  publish("bob/public");
  make("bob/private");
  grant("alice", Role::writer, "bob/private");
  const auto bearer = check(issue(alice_, {"repository:bob/public:*", "repository:bob/private:*",
                                           "repository:alice/absent:*", "repository:bob/absent:*"}))
                          .value();
  ASSERT_EQ(bearer->scopes.size(), 3u);
  EXPECT_EQ(bearer->scopes[0].actions.render(), (std::vector<std::string>{"pull"}));
  EXPECT_EQ(bearer->scopes[1].actions.render(), (std::vector<std::string>{"pull", "push"}));
  EXPECT_EQ(bearer->scopes[2].name, "alice/absent");
  EXPECT_EQ(bearer->scopes[2].actions.render(), (std::vector<std::string>{"pull", "push", "delete"}));
}

TEST_P(TokensTest, ServeAnonymousCallersToo) {
  make("bob/public");
  publish("bob/public");
  make("bob/private");
  const auto bearer = check(issue({}, {"repository:bob/public:pull,push", "repository:bob/private:pull",
                                       "registry:catalog:*"}))
                          .value();
  EXPECT_TRUE(bearer->principal.anonymous());
  ASSERT_EQ(bearer->scopes.size(), 2u);
  EXPECT_TRUE(bearer->covers("bob/public", Action::pull));
  EXPECT_FALSE(bearer->covers("bob/public", Action::push));
  EXPECT_TRUE(bearer->covers_catalog());

  Facts closed(*installation_.database, installation_.accounts, policies_, installation_.clock, 10, false);
  Tokens tokens(installation_.keyring, installation_.accounts, access_tokens_, policies_, closed,
                installation_.clock, {});
  const auto token =
      tokens.issue(Principal(), scopes({"repository:bob/public:pull", "registry:catalog:*"})).value().token;
  EXPECT_TRUE(tokens.verify(token, kHome).value()->scopes.empty());
}

TEST_P(TokensTest, HaveAnIdEach) {
  EXPECT_NE(check(issue(alice_)).value()->token_id, check(issue(alice_)).value()->token_id);
}

TEST_P(TokensTest, AreReadAgainWithoutBlocking) {
  const std::string token = issue(alice_);
  ASSERT_THAT(tokens_.verify(token, kHome), Succeeds());
  const auto first = tokens_.peek(token, kHome);
  const auto second = tokens_.peek(token, kHome);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->value().get(), second->value().get()) << "parsed once";
}

TEST_P(TokensTest, AskForTheAccountToBeReadWhenMemoryHasForgottenIt) {
  const std::string token = issue(alice_);
  ASSERT_THAT(installation_.accounts.set_administrator("alice", true, some_origin()), Succeeds());
  EXPECT_FALSE(tokens_.peek(token, kHome).has_value());
  EXPECT_THAT(tokens_.verify(token, kHome), Succeeds());
  EXPECT_TRUE(tokens_.peek(token, kHome).has_value());
}

TEST_P(TokensTest, DieWhenTheAccountIsDisabledAndStayDead) {
  const std::string token = issue(alice_);
  ASSERT_THAT(check(token), Succeeds());
  ASSERT_THAT(installation_.accounts.set_active("alice", false, some_origin()), Succeeds());
  EXPECT_THAT(check(token), FailsWith(Errc::unauthenticated));
  ASSERT_THAT(installation_.accounts.set_active("alice", true, some_origin()), Succeeds());
  EXPECT_THAT(check(token), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(check(issue(principal_of(installation_.accounts.find("alice").value()))), Succeeds());
}

TEST_P(TokensTest, DieWhenThePasswordChanges) {
  const std::string token = issue(alice_);
  ASSERT_THAT(check(token), Succeeds());
  ASSERT_THAT(installation_.accounts.set_password("alice", Secret<>(std::string("a new long password")),
                                                  some_origin()),
              Succeeds());
  EXPECT_THAT(check(token), FailsWith(Errc::unauthenticated));
}

TEST_P(TokensTest, AreNotIssuedForACredentialThatIsNoLongerGood) {
  ASSERT_THAT(installation_.accounts.set_active("alice", false, some_origin()), Succeeds());
  EXPECT_THAT(tokens_.issue(alice_, {}), FailsWith(Errc::unauthenticated));
  ASSERT_THAT(installation_.accounts.set_active("alice", true, some_origin()), Succeeds());
  EXPECT_THAT(tokens_.issue(alice_, {}), FailsWith(Errc::unauthenticated)) << "its log-in was before that";
  Principal gone = alice_;
  gone.account_id = 4711;
  EXPECT_THAT(tokens_.issue(gone, {}), FailsWith(Errc::unauthenticated));
}

TEST_P(TokensTest, FollowTheAdministratorsFlag) {
  account("another-admin", true);  // the last one could not be demoted
  const std::string token = issue(admin_);
  EXPECT_TRUE(check(token).value()->principal.administrator);
  EXPECT_TRUE(check(token).value()->principal.administrator);
  ASSERT_THAT(installation_.accounts.set_administrator("admin", false, some_origin()), Succeeds());
  EXPECT_FALSE(check(token).value()->principal.administrator);
}

TEST_P(TokensTest, ExpireToTheMicrosecond) {
  const std::string token = issue(alice_);
  installation_.clock.advance(300s - 1us);
  EXPECT_THAT(check(token), Succeeds());
  installation_.clock.advance(1us);
  EXPECT_THAT(check(token), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(tokens_.verify(token, kHome), FailsWith(Errc::unauthenticated));
}

TEST_P(TokensTest, OfAClockAheadAreTakenWithin30Seconds) {
  for (Time Claims::*claim : {&Claims::issued_at, &Claims::not_before}) {
    Claims claims = good_claims();
    claims.*claim = installation_.clock.now() + 30s;
    EXPECT_THAT(check(sign(claims)), Succeeds());
    claims.*claim = installation_.clock.now() + 31s;
    EXPECT_THAT(check(sign(claims)), FailsWith(Errc::unauthenticated));
  }
}

TEST_P(TokensTest, OfAnotherIssuerAudienceOrAccountAreRefused) {
  ASSERT_THAT(check(sign(good_claims())), Succeeds());
  const auto refused = [&](const char* what, auto change) {
    Claims claims = good_claims();
    change(claims);
    EXPECT_THAT(check(sign(claims)), FailsWith(Errc::unauthenticated)) << what;
  };
  refused("issuer", [](Claims& c) { c.issuer = "other"; });
  refused("no issuer", [](Claims& c) { c.issuer = ""; });
  refused("audience", [](Claims& c) { c.audience = "other"; });
  refused("no audience", [](Claims& c) { c.audience = ""; });
  refused("nobody's id", [](Claims& c) { c.account_id = 4711; });
  refused("another's id", [&](Claims& c) { c.account_id = bob_.account_id; });
  refused("another's name", [](Claims& c) { c.account = "bob"; });
  refused("earlier version", [](Claims& c) { --c.credential_version; });
  refused("later version", [](Claims& c) { ++c.credential_version; });
  refused("expired", [&](Claims& c) { c.expires_at = installation_.clock.now(); });
}

TEST_P(TokensTest, ThatWereTamperedWithAreRefused) {
  const std::string token = issue(alice_, {"repository:alice/app:pull"});
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  const auto claims = from_base64url(token.substr(first + 1, last - first - 1)).value();

  std::string more = claims;
  more.replace(more.find("alice/app"), 9, "bob/other");
  EXPECT_THAT(check(token.substr(0, first + 1) + to_base64url(as_bytes(more)) + token.substr(last)),
              FailsWith(Errc::unauthenticated));
  const std::string unsigned_header = to_base64url(as_bytes(R"({"alg":"none","typ":"JWT"})"));
  EXPECT_THAT(check(unsigned_header + token.substr(first, last + 1 - first)),
              FailsWith(Errc::unauthenticated));
  EXPECT_THAT(check(unsigned_header + token.substr(first)), FailsWith(Errc::unauthenticated));
  for (const std::size_t at : {std::size_t{0}, first + 5, last + 5, token.size() - 1}) {
    std::string changed = token;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_THAT(check(changed), FailsWith(Errc::unauthenticated)) << "at " << at;
  }
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), token + ".", token.substr(0, last),
        std::string(1'000'000, 'a'), token + std::string(1, '\0')})
    EXPECT_THAT(check(text), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(check(token), Succeeds());
}

TEST_P(TokensTest, OfOtherKeysOrForOtherPurposesAreRefused) {
  const std::string claims = render_claims(good_claims());
  const auto other = crypto::Keyring::ephemeral();
  EXPECT_THAT(check(crypto::sign_jwt(other, crypto::KeyPurpose::token_signing, claims)),
              FailsWith(Errc::unauthenticated));
  EXPECT_THAT(check(crypto::sign_jwt(installation_.keyring, crypto::KeyPurpose::token_hash, claims)),
              FailsWith(Errc::unauthenticated));
}

TEST_P(TokensTest, OutliveARotationAndDieWithTheirKey) {
  const auto purpose = crypto::KeyPurpose::token_signing;
  const std::string old = issue(alice_, {"registry:catalog:*"});
  EXPECT_THAT(check(old), Succeeds());
  ASSERT_TRUE(installation_.keyring.rotate(purpose, installation_.clock.now()));
  EXPECT_THAT(check(old), Succeeds());
  const std::string fresh = issue(alice_, {"registry:catalog:*"});
  EXPECT_THAT(check(fresh), Succeeds());
  ASSERT_TRUE(installation_.keyring.retire(purpose, 1));
  EXPECT_THAT(check(old), FailsWith(Errc::unauthenticated)) << "memory still knows it";
  EXPECT_THAT(check(fresh), Succeeds());
}

TEST_P(TokensTest, OfHundredsOfScopesFitIntoAHeader) {
  const auto name = [](int i) {
    return "alice/a-repository-with-a-name-of-some-length-" + std::to_string(i);
  };
  std::vector<std::string> many = {"registry:catalog:*"};
  for (int i = 0; i < 300; ++i) many.push_back("repository:" + name(i) + ":pull");
  const std::string token = issue(alice_, many);
  EXPECT_LT(token.size(), 8000u);
  const auto bearer = check(token).value();
  EXPECT_TRUE(bearer->covers_catalog());
  for (int i = 0; i < 300; ++i) {
    EXPECT_TRUE(bearer->covers(name(i), Action::pull)) << i;
    EXPECT_FALSE(bearer->covers(name(i), Action::push)) << i;
  }
  EXPECT_FALSE(bearer->covers(name(300), Action::pull));
  many.resize(41);
  EXPECT_EQ(check(issue(alice_, many)).value()->scopes.size(), 41u) << "few are written out";
}

TEST_P(TokensTest, OfMoreScopesThanFitHaveTheLast) {
  const auto name = [](int i) { return "alice/repository-" + std::to_string(i); };
  std::vector<std::string> many;
  for (int i = 0; i < 900; ++i) many.push_back("repository:" + name(i) + ":pull");
  const std::string token = issue(alice_, many);
  EXPECT_LT(token.size(), 8000u);
  const auto bearer = check(token).value();
  EXPECT_FALSE(bearer->covers(name(0), Action::pull));
  for (int i = 620; i < 900; ++i) EXPECT_TRUE(bearer->covers(name(i), Action::pull)) << i;
}

TEST_P(TokensTest, RefusedOnesSayNoMoreThanThat) {
  const auto expired = [&] {
    Claims claims = good_claims();
    claims.expires_at = installation_.clock.now();
    return check(sign(claims)).error();
  }();
  Claims wrong = good_claims();
  wrong.account = "bob";
  EXPECT_EQ(check(sign(wrong)).error(), expired);
  EXPECT_EQ(check("nonsense").error(), expired);
}

TEST_P(TokensTest, AreNeverTakenAfterTheCallThatRevokedThem) {
  std::atomic<bool> revoked{false};
  std::atomic<bool> stop{false};
  std::atomic<bool> taken_after{false};
  for (int round = 0; round < 10; ++round) {
    revoked = false;
    stop = false;
    const std::string token = issue(principal_of(installation_.accounts.find("alice").value()));
    const auto use = [&] {
      while (!stop) {
        const bool was_revoked = revoked;
        if (check(token).has_value() && was_revoked) taken_after = true;
      }
    };
    std::thread first(use);
    std::thread second(use);
    EXPECT_THAT(installation_.accounts.set_active("alice", false, some_origin()), Succeeds());
    revoked = true;
    EXPECT_THAT(check(token), FailsWith(Errc::unauthenticated));
    stop = true;
    first.join();
    second.join();
    EXPECT_THAT(installation_.accounts.set_active("alice", true, some_origin()), Succeeds());
  }
  EXPECT_FALSE(taken_after);
}

INSTANTIATE_TEST_SUITE_P(Engines, TokensTest, ::testing::Values(Engine::sqlite), db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::access

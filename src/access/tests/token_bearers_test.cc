// Bearer tokens of callers who logged in with an access token, and of those whom policies concern.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/tests/facts_fixture.h"
#include "access/tokens.h"

namespace bulkhead::access {
namespace {

using namespace std::chrono_literals;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using identity::TokenScope;
using testing::some_origin;

constexpr std::string_view kHome = "192.0.2.7";

class TokenBearersTest : public testing::FactsFixture {
 protected:
  Result<std::shared_ptr<const Bearer>> check(std::string_view token, std::string_view address = kHome) {
    if (auto known = tokens_.peek(token, address)) return *std::move(known);
    return tokens_.verify(token, address);
  }
  std::string issue(const Principal& principal, const std::vector<std::string>& requested = {}) {
    return tokens_.issue(principal, parse_scopes(requested, 100)).value().token;
  }
  identity::AccessToken make_token(const Principal& of, std::vector<TokenScope> scopes,
                                   std::string_view networks = "") {
    identity::NewAccessToken wanted;
    wanted.account_id = of.account_id;
    wanted.name = "ci";
    wanted.scopes = identity::TokenScopes(std::move(scopes));
    wanted.networks = identity::Networks::parse(networks).value();
    return access_tokens_.create(wanted, some_origin()).value().token;
  }
  // The caller who has logged in with the token.
  Principal with(const identity::AccessToken& token) {
    const auto account = installation_.accounts.find(token.account_id).value();
    return principal_of(account, std::make_shared<const identity::AccessToken>(token));
  }
  // What a request with the bearer token would be decided to be allowed.
  bool may(const std::string& token, Action action, std::string_view name) {
    const auto bearer = check(token).value();
    const auto& principal = bearer->principal;
    auto resolved = facts_.peek(principal, repository(name));
    if (!resolved) resolved = facts_.resolve(principal, repository(name)).value();
    return bearer->covers(name, action) && decide(principal, action, resolved->standing);
  }

  static constexpr identity::TokenActions kAll{true, true, true};

  identity::AccessTokens access_tokens_{*installation_.database, installation_.keyring,
                                        installation_.accounts,  policies_,
                                        installation_.clock,     {}};
  Tokens tokens_{installation_.keyring, installation_.accounts, access_tokens_, policies_, facts_,
                 installation_.clock,   Tokens::Options{}};
};

TEST_P(TokenBearersTest, CarryTheTokenAndItsCeiling) {
  make("alice/app");
  const auto made = make_token(alice_, {{0, 0, {true, false, false}}});
  const std::string token = issue(with(made), {"repository:alice/app:pull,push,delete"});
  const auto bearer = check(token).value();
  EXPECT_EQ(bearer->principal.token_id, made.id);
  ASSERT_NE(bearer->principal.ceiling, nullptr);
  EXPECT_EQ(bearer->credential(), "token:" + std::to_string(made.id) + "/" + bearer->token_id);
  ASSERT_EQ(bearer->scopes.size(), 1u);
  EXPECT_EQ(bearer->scopes[0].actions.render(), std::vector<std::string>{"pull"});
  EXPECT_EQ(check(issue(alice_)).value()->credential().substr(0, 7), "bearer:");
}

TEST_P(TokenBearersTest, AreHeldToRepositoriesAndNamespacesById) {
  const auto app = make("alice/app");
  make("alice/other");
  make("bob/app");
  grant("alice", Role::maintainer, "bob/app");
  const auto made = make_token(alice_, {{0, app, kAll}, {id_of("namespaces", "bob"), 0, kAll}});
  const std::string token = issue(with(made), {"repository:alice/app:*", "repository:alice/other:*",
                                               "repository:bob/app:*", "repository:bob/absent:*"});
  EXPECT_TRUE(may(token, Action::push, "alice/app"));
  EXPECT_FALSE(may(token, Action::pull, "alice/other"));
  EXPECT_TRUE(may(token, Action::remove, "bob/app"));
  EXPECT_FALSE(may(token, Action::push, "bob/absent")) << "alice has no role there";
}

TEST_P(TokenBearersTest, OfANamespaceReachRepositoriesToCome) {
  const auto made = make_token(alice_, {{id_of("namespaces", "alice"), 0, kAll}});
  const std::string token = issue(with(made), {"repository:alice/new:pull,push"});
  EXPECT_TRUE(may(token, Action::push, "alice/new"));
  make("alice/new");
  EXPECT_TRUE(may(token, Action::push, "alice/new"));
}

TEST_P(TokenBearersTest, DoNotReachANewRepositoryOfAnOldName) {
  const auto app = make("alice/app");
  const auto made = make_token(alice_, {{0, app, kAll}, {0, make("alice/kept"), kAll}});
  const std::string token = issue(with(made), {"repository:alice/app:*", "repository:alice/moved:*"});
  ASSERT_TRUE(may(token, Action::pull, "alice/app"));
  ASSERT_THAT(
      facts_.rename(repository("alice/app"), repository("alice/moved"), Robots::come_along, some_origin()),
      Succeeds());
  make("alice/app");
  EXPECT_FALSE(may(token, Action::pull, "alice/app"));
  EXPECT_FALSE(may(token, Action::pull, "alice/moved")) << "the bearer token was not issued for it";
  EXPECT_TRUE(may(issue(with(made), {"repository:alice/moved:pull"}), Action::pull, "alice/moved"));

  ASSERT_THAT(facts_.remove(repository("alice/moved"), some_origin()), Succeeds());
  make("alice/moved");
  EXPECT_FALSE(may(token, Action::pull, "alice/moved"));
}

TEST_P(TokenBearersTest, ListNoMoreThanTheyMayPull) {
  make("alice/app");
  make("bob/open");
  publish("bob/open");
  const auto names = [&](const Principal& principal) { return facts_.catalog(principal, "", 100).value(); };
  const Principal limited = with(make_token(alice_, {{0, make("alice/other"), kAll}}));
  EXPECT_TRUE(check(issue(limited, {"registry:catalog:*"})).value()->covers_catalog());
  EXPECT_EQ(names(limited), (std::vector<std::string>{"alice/other", "bob/open"}));
  const Principal pushes =
      with(make_token(alice_, {{id_of("namespaces", "alice"), 0, {false, true, false}}}));
  EXPECT_EQ(names(pushes), std::vector<std::string>{"bob/open"});
  const Principal everywhere = with(make_token(alice_, {{0, 0, {true, false, false}}}));
  EXPECT_TRUE(check(issue(everywhere, {"registry:catalog:*"})).value()->covers_catalog());
  EXPECT_EQ(names(everywhere).size(), 3u);
}

TEST_P(TokenBearersTest, DieWithTheirAccessToken) {
  const auto made = make_token(alice_, {{0, 0, kAll}});
  const auto other = make_token(alice_, {{0, 0, kAll}});
  const std::string token = issue(with(made));
  const std::string another = issue(with(other));
  ASSERT_THAT(check(token), Succeeds());
  ASSERT_TRUE(tokens_.peek(token, kHome).has_value()) << "from memory";
  ASSERT_THAT(access_tokens_.revoke(alice_.account_id, made.id, some_origin()), Succeeds());
  EXPECT_THAT(check(token), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(tokens_.verify(token, kHome), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(check(another), Succeeds());
  ASSERT_THAT(access_tokens_.rotate(alice_.account_id, other.id, 0s, true, some_origin()), Succeeds());
  EXPECT_THAT(check(another), FailsWith(Errc::unauthenticated));
}

TEST_P(TokenBearersTest, DieWithTheKeyThatTheirAccessTokenIsStoredUnder) {
  constexpr auto kPurpose = crypto::KeyPurpose::token_hash;
  const std::string token = issue(with(make_token(alice_, {{0, 0, kAll}})));
  ASSERT_THAT(check(token), Succeeds());
  ASSERT_TRUE(installation_.keyring.rotate(kPurpose, installation_.clock.now()));
  const std::string later = issue(with(make_token(alice_, {{0, 0, kAll}})));
  ASSERT_TRUE(tokens_.peek(token, kHome).has_value()) << "from memory";
  ASSERT_TRUE(installation_.keyring.retire(kPurpose, 1));
  EXPECT_THAT(check(token), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(tokens_.verify(token, kHome), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(check(later), Succeeds());
}

TEST_P(TokenBearersTest, DieWhenTheirAccessTokenExpires) {
  identity::NewAccessToken wanted;
  wanted.account_id = alice_.account_id;
  wanted.name = "short";
  wanted.scopes = identity::TokenScopes({{0, 0, kAll}});
  wanted.lifetime = 60s;
  const auto made = access_tokens_.create(wanted, some_origin()).value().token;
  const std::string token = issue(with(made));
  installation_.clock.advance(60s - 1us);
  EXPECT_THAT(check(token), Succeeds());
  installation_.clock.advance(1us);
  EXPECT_THAT(check(token), FailsWith(Errc::unauthenticated));
}

TEST_P(TokenBearersTest, AreTakenFromTheNetworksOfTheAccessTokenOnly) {
  const auto made = make_token(alice_, {{0, 0, kAll}}, "192.0.2.0/24");
  const std::string token = issue(with(made));
  EXPECT_THAT(check(token), Succeeds());
  EXPECT_THAT(check(token, "198.51.100.1"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(check(token, "::ffff:192.0.2.99"), Succeeds());
}

TEST_P(TokenBearersTest, ObeyPoliciesFromTheNextRequestOn) {
  const std::string by_password = issue(alice_);
  const auto made = make_token(alice_, {{0, 0, kAll}});
  const std::string by_token = issue(with(made));
  ASSERT_THAT(check(by_password), Succeeds());
  ASSERT_THAT(check(by_token), Succeeds());
  const auto set = [&](auto change) {
    identity::Policy policy;
    change(policy);
    EXPECT_THAT(policies_.set(identity::Policies::kInstallation, policy, some_origin()), Succeeds());
  };
  set([](auto& policy) { policy.networks = identity::Networks::parse("198.51.100.0/24").value(); });
  EXPECT_THAT(check(by_password), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(check(by_token), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(check(by_password, "198.51.100.1"), Succeeds());
  set([](auto& policy) { policy.token_life = 24h; });
  EXPECT_THAT(check(by_token), FailsWith(Errc::unauthenticated)) << "lives a week";
  EXPECT_THAT(check(by_password), Succeeds());
  set([](auto& policy) { policy.password_login = false; });
  EXPECT_THAT(check(by_password), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(check(by_token), Succeeds());
  set([](auto& policy) { policy.mfa_required = true; });
  EXPECT_THAT(check(by_password), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(check(by_token), FailsWith(Errc::unauthenticated)) << "made without a second factor";
}

TEST_P(TokenBearersTest, AreGoodEnoughForARequestThatTookTheirTime) {
  const std::string token = issue(alice_);
  installation_.clock.advance(24h);
  EXPECT_THAT(check(token), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(tokens_.verify_again(token, kHome), Succeeds());
  EXPECT_THAT(check(token), FailsWith(Errc::unauthenticated)) << "and for nothing else";
  ASSERT_THAT(installation_.accounts.set_active("alice", false, some_origin()), Succeeds());
  EXPECT_THAT(tokens_.verify_again(token, kHome), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(tokens_.verify_again(token + "x", kHome), FailsWith(Errc::unauthenticated));
}

TEST_P(TokenBearersTest, MayBringACeilingOfTheirOwn) {
  const auto app = make("alice/app");
  make("alice/other");
  Principal limited = alice_;
  limited.ceiling = std::make_shared<const identity::TokenScopes>(std::vector<TokenScope>{{0, app, kAll}});
  const auto issued = tokens_.issue(
      limited, parse_scopes({"repository:alice/app:pull", "repository:alice/other:pull"}, 10), 900s);
  ASSERT_THAT(issued, Succeeds());
  EXPECT_EQ(issued->lifetime, 900s);
  EXPECT_TRUE(may(issued->token, Action::pull, "alice/app"));
  EXPECT_FALSE(may(issued->token, Action::pull, "alice/other"));
  EXPECT_FALSE(may(issued->token, Action::push, "alice/app")) << "not asked for";
  installation_.clock.advance(900s - 1us);
  EXPECT_THAT(check(issued->token), Succeeds());
  installation_.clock.advance(1us);
  EXPECT_THAT(check(issued->token), FailsWith(Errc::unauthenticated));
}

// What a workload got in exchange, given by a client that knows only passwords.
class BearersOfBearersTest : public TokenBearersTest {
 protected:
  BearersOfBearersTest() {
    organization("acme");
    app_ = make("acme/app", alice_);
    make("acme/other", alice_);
    bot_ = robot("acme+ci", "acme");
    grant("acme+ci", Role::maintainer, "acme/");
    bot_.ceiling = std::make_shared<const identity::TokenScopes>(
        std::vector<TokenScope>{{0, app_, {true, true, false}}});
  }

  std::shared_ptr<const Bearer> first(const std::vector<std::string>& scopes,
                                      std::chrono::seconds lifetime = 900s) {
    const auto issued = tokens_.issue(bot_, parse_scopes(scopes, 9), lifetime);
    return check(issued.value().token).value();
  }
  Result<IssuedToken> second(const std::shared_ptr<const Bearer>& with,
                             const std::vector<std::string>& scopes = {"repository:acme/app:*"}) {
    return tokens_.issue(*with, parse_scopes(scopes, 9));
  }

  std::int64_t app_ = 0;
  Principal bot_;
};

TEST_P(BearersOfBearersTest, DoWhatBothAllow) {
  const auto with = first({"repository:acme/app:pull,push", "registry:catalog:*"});
  ASSERT_TRUE(with->logs_in());
  const auto issued = second(with, {"repository:acme/app:*", "repository:acme/other:pull",
                                    "repository:acme/next:push", "registry:catalog:*"});
  ASSERT_THAT(issued, Succeeds());
  EXPECT_EQ(issued->lifetime, 300s);
  const auto bearer = check(issued->token).value();
  EXPECT_EQ(bearer->principal.account, "acme+ci");
  EXPECT_EQ(bearer->parent_id, with->token_id);
  EXPECT_EQ(bearer->credential(), "bearer:" + with->token_id + "/" + bearer->token_id);
  ASSERT_EQ(bearer->scopes.size(), 2u)
      << "what both cover of the repository, and the catalog of what they reach";
  EXPECT_EQ(bearer->scopes[0].actions.render(), (std::vector<std::string>{"pull", "push"}));
  EXPECT_TRUE(bearer->covers_catalog());
  EXPECT_TRUE(may(issued->token, Action::push, "acme/app"));
  EXPECT_FALSE(may(issued->token, Action::remove, "acme/app"));
  EXPECT_FALSE(may(issued->token, Action::pull, "acme/other"));

  const auto narrow = first({"repository:acme/app:pull"});
  EXPECT_FALSE(may(second(narrow)->token, Action::push, "acme/app")) << "the first was not issued for it";
  revoke("acme+ci", "acme/");
  EXPECT_FALSE(may(issued->token, Action::pull, "acme/app")) << "as the robot's roles are now";
}

TEST_P(BearersOfBearersTest, LiveNoLongerThanTheFirst) {
  const auto with = first({"repository:acme/app:pull"}, 400s);
  EXPECT_EQ(second(with)->lifetime, 300s);
  installation_.clock.advance(150s + 300ms);
  const auto issued = second(with);
  ASSERT_THAT(issued, Succeeds());
  EXPECT_EQ(check(issued->token).value()->expires_at, with->expires_at);
  installation_.clock.advance(249s + 700ms - 1us);
  EXPECT_THAT(check(issued->token), Succeeds());
  EXPECT_EQ(second(with)->lifetime, 1s);
  installation_.clock.advance(1us);
  EXPECT_THAT(check(issued->token), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(second(with), FailsWith(Errc::unauthenticated));
}

TEST_P(BearersOfBearersTest, AreTheEndOfTheChain) {
  const auto bearer = check(second(first({"repository:acme/app:pull"}))->token).value();
  EXPECT_FALSE(bearer->logs_in());
  EXPECT_THAT(second(bearer), FailsWith(Errc::unauthenticated));
}

TEST_P(BearersOfBearersTest, AreMadeWithAWorkloadsTokenOnly) {
  EXPECT_THAT(second(check(issue(alice_)).value()), FailsWith(Errc::unauthenticated)) << "by password";
  EXPECT_THAT(second(check(issue({})).value()), FailsWith(Errc::unauthenticated)) << "anonymous";
  EXPECT_THAT(second(check(issue(with(make_token(alice_, {{0, 0, kAll}})))).value()),
              FailsWith(Errc::unauthenticated))
      << "by an access token";
}

TEST_P(BearersOfBearersTest, DieOfWhatEndsTheFirst) {
  const auto with = first({"repository:acme/app:pull"});
  const auto issued = second(with).value();
  ASSERT_THAT(check(issued.token), Succeeds());
  // As the end of a trust does.
  installation_.write("UPDATE accounts SET credential_version = credential_version + 1 WHERE id = ?",
                      {bot_.account_id});
  installation_.accounts.forget(bot_.account_id);
  EXPECT_THAT(check(issued.token), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(second(with), FailsWith(Errc::unauthenticated));

  bot_.credential_version = 2;
  const auto again = second(first({"repository:acme/app:pull"})).value();
  ASSERT_THAT(check(again.token), Succeeds());
  ASSERT_THAT(installation_.accounts.set_active("acme+ci", false, some_origin()), Succeeds());
  EXPECT_THAT(check(again.token), FailsWith(Errc::unauthenticated));
}

INSTANTIATE_TEST_SUITE_P(Engines, BearersOfBearersTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);
INSTANTIATE_TEST_SUITE_P(Engines, TokenBearersTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::access

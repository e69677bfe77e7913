#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/array.hpp>
#include <thread>

#include "identity/workload/tests/workload_fixture.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using crypto::SignatureAlgorithm;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::HasSubstr;
using testing::mint;
using testing::SigningKey;
using testing::some_origin;

class WorkloadExchangeTest : public ::testing::TestWithParam<Engine> {
 protected:
  WorkloadTrust trust(const std::function<void(NewWorkloadTrust&)>& change = [](NewWorkloadTrust&) {}) {
    auto wanted = at_.trust();
    change(wanted);
    return at_.workload.create(wanted, some_origin()).value();
  }
  std::string mint_with(const char* name, boost::json::value value) {
    auto claims = at_.claims();
    claims[name] = std::move(value);
    return mint(at_.issuer.key(), claims);
  }
  static TokenScope on(std::int64_t repository_id, TokenActions actions) {
    return {.namespace_id = 0, .repository_id = repository_id, .actions = actions};
  }

  WorkloadFixture at_{GetParam()};
};

TEST_P(WorkloadExchangeTest, GivesTheRobotTheTrustsScopesWithEvidence) {
  const auto made = trust();
  const auto grant = at_.exchange(at_.mint());
  ASSERT_THAT(grant, Succeeds());
  EXPECT_EQ(grant->robot_id, at_.robot_id);
  EXPECT_EQ(grant->robot, "acme+ci");
  EXPECT_EQ(grant->credential_version, 1);
  EXPECT_EQ(grant->lifetime, 600s);
  EXPECT_EQ(grant->scopes, at_.trust().scopes);

  const auto event = at_.installation.last_event();
  EXPECT_EQ(event.action, "workload_token_exchanged");
  EXPECT_EQ(event.account, "acme+ci");
  EXPECT_EQ(event.credential, "workload");
  EXPECT_EQ(event.target, "acme+ci");
  EXPECT_THAT(event.detail, HasSubstr("\"trusts\":[" + std::to_string(made.id) + "]"));
  EXPECT_THAT(event.detail, HasSubstr(R"("subject":"repo:acme/app:ref:refs/heads/main")"));
  EXPECT_TRUE(at_.journal.events().empty());
}

TEST_P(WorkloadExchangeTest, RefusesEveryForgeryAndChangesNothing) {
  trust();
  ASSERT_THAT(at_.exchange(at_.mint()), Succeeds());
  const auto before = at_.state();
  auto forgeries = testing::forgeries(at_.issuer, at_.claims(), at_.installation.clock.now());
  // A job's token may be for several (WorkloadExchangeTest.TakesATokenThatIsForOthersToo).
  std::erase_if(forgeries, [](const auto& forgery) { return forgery.name == "two audiences without azp"; });
  for (const auto& forgery : forgeries) {
    const auto refused = at_.exchange(forgery.token);
    ASSERT_TRUE(refused.has_error()) << forgery.name;
    EXPECT_EQ(refused.error().code, Errc::unauthenticated) << forgery.name << ": " << refused.error().message;
  }
  EXPECT_EQ(at_.state(), before);
  EXPECT_EQ(at_.journal.events().size(), forgeries.size());
  for (const auto& url : at_.issuer.urls()) EXPECT_THAT(url, ::testing::StartsWith(at_.issuer.url()));
  // None of them has used up the real one.
  EXPECT_THAT(at_.exchange(at_.mint()), Succeeds());
}

TEST_P(WorkloadExchangeTest, TakesATokenThatIsForOthersToo) {
  trust();
  EXPECT_THAT(at_.exchange(mint_with("aud", boost::json::array{"elsewhere", "bulkhead"})), Succeeds());
  EXPECT_THAT(at_.exchange(mint_with("aud", boost::json::array{"elsewhere", "another"})),
              FailsWith(Errc::unauthenticated));
}

TEST_P(WorkloadExchangeTest, TakesATokenOnce) {
  trust();
  const std::string token = at_.mint();
  ASSERT_THAT(at_.exchange(token), Succeeds());
  const auto before = at_.state();
  EXPECT_THAT(at_.exchange(token), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(at_.last_refusal(), HasSubstr(R"("reason":"workload_token_used_before")"));
  at_.installation.clock.advance(329s);
  EXPECT_THAT(at_.exchange(token), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(at_.last_refusal(), HasSubstr(R"("reason":"workload_token_used_before")"));
  EXPECT_EQ(at_.state(), before);
}

TEST_P(WorkloadExchangeTest, TakesAJtiOnceWhateverElseTheTokenSays) {
  trust();
  ASSERT_THAT(at_.exchange(mint_with("jti", "one")), Succeeds());
  at_.installation.clock.advance(1s);
  EXPECT_THAT(at_.exchange(mint_with("jti", "one")), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(at_.exchange(mint_with("jti", "two")), Succeeds());
}

TEST_P(WorkloadExchangeTest, TakesATokenWithoutJtiOnceHoweverItIsSigned) {
  trust();
  const auto key = SigningKey::generate(SignatureAlgorithm::es256, "ec");
  at_.issuer.publish(key);
  auto claims = at_.claims();
  claims.erase("jti");
  ASSERT_THAT(at_.exchange(mint(key, claims)), Succeeds());
  EXPECT_THAT(at_.exchange(mint(key, claims)), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(at_.last_refusal(), HasSubstr(R"("reason":"workload_token_used_before")"));
  claims["sub"] = "another job";
  EXPECT_THAT(at_.exchange(mint(key, claims)), Succeeds());
}

TEST_P(WorkloadExchangeTest, OneOfManyThatComeAtOnceWins) {
  trust();
  ASSERT_THAT(at_.exchange(at_.mint()), Succeeds());  // the keys are known from here on
  const std::string token = at_.mint();
  std::atomic<int> won{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] {
      const auto grant = at_.exchange(token);
      if (grant) ++won;
      if (!grant && grant.error().code == Errc::unauthenticated) ++refused;
    });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(refused, 3);
}

TEST_P(WorkloadExchangeTest, RemembersUsedTokensAnHourLongerThanTheyLive) {
  trust();
  const std::string token = at_.mint();
  ASSERT_THAT(at_.exchange(token), Succeeds());
  at_.installation.clock.advance(300s + 1h - 1us);
  ASSERT_THAT(at_.exchange(at_.mint()), Succeeds());
  EXPECT_EQ(at_.state().front(), 2);
  at_.installation.clock.advance(1us);
  ASSERT_THAT(at_.exchange(at_.mint()), Succeeds());
  EXPECT_EQ(at_.state().front(), 2);
}

TEST_P(WorkloadExchangeTest, AClockSetBackDoesNotMakeATokenUsableAgain) {
  trust();
  const std::string token = at_.mint();
  ASSERT_THAT(at_.exchange(token), Succeeds());
  at_.installation.clock.advance(10min);
  ASSERT_THAT(at_.exchange(at_.mint()), Succeeds());
  at_.installation.clock.advance(-10min);
  EXPECT_THAT(at_.exchange(token), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(at_.last_refusal(), HasSubstr(R"("reason":"workload_token_used_before")"));
}

TEST_P(WorkloadExchangeTest, AsksNobodyAboutIssuersThatNobodyTrusts) {
  EXPECT_THAT(at_.exchange(at_.mint()), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(at_.last_refusal(), HasSubstr(R"("reason":"workload_issuer_unknown")"));
  trust();
  EXPECT_THAT(at_.exchange(mint(at_.issuer.key(),
                                testing::claims_of("https://evil.example", at_.installation.clock.now()))),
              FailsWith(Errc::unauthenticated));
  EXPECT_EQ(at_.issuer.fetches(), 0);
}

TEST_P(WorkloadExchangeTest, AsksNobodyAboutTokensThatAreNoGood) {
  trust();
  EXPECT_THAT(at_.exchange("x"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(at_.exchange(mint_with("exp", 1)), FailsWith(Errc::unauthenticated));
  EXPECT_EQ(at_.issuer.fetches(), 0);
}

TEST_P(WorkloadExchangeTest, HasOneAnswerForAllThatDependsOnWhatIsStored) {
  trust();
  const std::string used = at_.mint();
  ASSERT_THAT(at_.exchange(used), Succeeds());
  const auto stranger = SigningKey::shared_rsa(2, "key-1");
  const auto nobody = SigningKey::shared_rsa(3, "key-9");
  const auto replayed = at_.exchange(used);
  EXPECT_EQ(at_.exchange(mint(stranger, at_.claims())).error(), replayed.error());
  EXPECT_EQ(at_.exchange(mint(nobody, at_.claims())).error(), replayed.error());
  EXPECT_EQ(at_.exchange(mint_with("iss", "https://unknown.example")).error(), replayed.error());
  EXPECT_EQ(at_.exchange(mint_with("aud", "elsewhere")).error(), replayed.error());
  EXPECT_EQ(at_.exchange(mint_with("ref", "refs/heads/other")).error(), replayed.error());
  EXPECT_EQ(at_.exchange(at_.mint(), "acme+nobody").error(), replayed.error());
  at_.installation.write("UPDATE accounts SET state = 'disabled' WHERE id = ?", {at_.robot_id});
  EXPECT_EQ(at_.exchange(at_.mint()).error(), replayed.error());
  EXPECT_THAT(at_.last_refusal(), HasSubstr(R"("reason":"workload_robot_inactive")"));
}

TEST_P(WorkloadExchangeTest, DoesNotUseUpATokenThatNoTrustAccepts) {
  const std::string token = mint_with("ref", "refs/heads/next");
  trust();
  EXPECT_THAT(at_.exchange(token), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(at_.last_refusal(), HasSubstr(R"("reason":"workload_no_trust_matches")"));
  trust([](auto& next) { next.rule["ref"] = "refs/heads/n*"; });
  EXPECT_THAT(at_.exchange(token), Succeeds());
}

TEST_P(WorkloadExchangeTest, SaysWhenTheIssuerCannotBeAsked) {
  trust();
  at_.issuer.answer(at_.issuer.discovery_url(), Error{Errc::denied, "10.0.0.7 is not public"});
  const auto refused = at_.exchange(at_.mint());
  ASSERT_THAT(refused, FailsWith(Errc::unavailable));
  EXPECT_THAT(refused.error().message, ::testing::Not(HasSubstr("10.0.0.7")));
  EXPECT_THAT(at_.last_refusal(), HasSubstr("10.0.0.7"));
}

TEST_P(WorkloadExchangeTest, GoesOnAfterARotationAndRefusesTheOldKeyOnceItIsWithdrawn) {
  trust();
  const auto old_key = at_.issuer.key();
  ASSERT_THAT(at_.exchange(at_.mint()), Succeeds());
  const auto fresh = SigningKey::shared_rsa(4, "key-2");
  at_.issuer.publish(fresh);
  at_.issuer.withdraw("key-1");
  at_.installation.clock.advance(61s);
  EXPECT_THAT(at_.exchange(mint(fresh, at_.claims())), Succeeds());
  EXPECT_THAT(at_.exchange(mint(old_key, at_.claims())), FailsWith(Errc::unauthenticated));
}

TEST_P(WorkloadExchangeTest, TakesAllTrustsOfTheRobotTogether) {
  const auto other = at_.add_repository("acme/other");
  trust();
  trust([&](auto& second) {
    second.rule = {{"repository_id", "4711"}};
    second.scopes = {on(at_.repository_id, {.pull = false, .push = false, .remove = true}),
                     on(other, {.pull = true})};
    second.lifetime = 60s;
  });
  trust([&](auto& third) { third.rule["ref"] = "refs/heads/other"; });
  const auto grant = at_.exchange(at_.mint());
  ASSERT_THAT(grant, Succeeds());
  EXPECT_EQ(grant->lifetime, 60s);
  EXPECT_EQ(grant->scopes,
            (std::vector<TokenScope>{on(at_.repository_id, {.pull = true, .push = true, .remove = true}),
                                     on(other, {.pull = true})}));
}

TEST_P(WorkloadExchangeTest, IsForTheRobotThatIsNamedWhateverOthersTrust) {
  trust();
  const auto second = at_.add_robot("acme+second");
  trust([&](auto& wanted) { wanted.robot_id = second; });
  const std::string token = at_.mint();
  EXPECT_THAT(at_.exchange(token, ""), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(at_.exchange(token, "acme+third"), FailsWith(Errc::unauthenticated));
  const std::string odd("acme+second\0", 12);
  EXPECT_THAT(at_.exchange(token, odd), FailsWith(Errc::unauthenticated));
  EXPECT_EQ(at_.exchange(token, "acme+second")->robot_id, second);
  EXPECT_EQ(at_.exchange(at_.mint())->robot_id, at_.robot_id);
}

TEST_P(WorkloadExchangeTest, AScopeOfARemovedRepositoryIsGone) {
  trust();
  at_.installation.write("DELETE FROM workload_trust_scopes WHERE repository_id = ?", {at_.repository_id});
  const auto grant = at_.exchange(at_.mint());
  ASSERT_THAT(grant, Succeeds());
  EXPECT_TRUE(grant->scopes.empty());
}

INSTANTIATE_TEST_SUITE_P(Engines, WorkloadExchangeTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

#include "identity/login/policies.h"

#include <thread>

#include "identity/login/testing/tokens_fixture.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using testing::Engine;
using testing::FailsWith;
using testing::some_origin;
using testing::Succeeds;

class PoliciesTest : public testing::TokensFixture {
 protected:
  EffectivePolicy effective(const Account& account) { return *policies_.effective(account.id).value(); }
};

TEST_P(PoliciesTest, AreMildUntilTheyAreSet) {
  const auto policy = policies_.get(Policies::kInstallation);
  ASSERT_THAT(policy, Succeeds());
  EXPECT_EQ(*policy, Policy());
  const auto holds = effective(alice_);
  EXPECT_FALSE(holds.mfa_required);
  EXPECT_TRUE(holds.password_login);
  EXPECT_EQ(holds.token_life, 90 * 24h);
  EXPECT_TRUE(holds.allow("192.0.2.1"));
  EXPECT_TRUE(holds.allow("local"));
}

TEST_P(PoliciesTest, AreKeptAndWrittenDown) {
  Policy policy;
  policy.mfa_required = true;
  policy.token_life = 30 * 24h;
  policy.networks = Networks::parse("192.0.2.0/24 2001:db8::/32").value();
  policy.password_login = false;
  set_policy(policy);
  EXPECT_EQ(policies_.get(Policies::kInstallation).value(), policy);
  EXPECT_EQ(installation_.last_event().action, "policy_changed");
  EXPECT_EQ(installation_.last_event().target, "");
  EXPECT_EQ(installation_.last_event().detail,
            R"({"mfa_required":true,"token_seconds":2592000,"networks":"192.0.2.0/24 2001:db8::/32",)"
            R"("password_login":false})");
  const auto events = installation_.events().size();
  set_policy(policy);
  EXPECT_EQ(installation_.events().size(), events) << "nothing has changed";

  const auto acme = make_organization("acme");
  set_policy(policy, acme);
  EXPECT_EQ(installation_.last_event().target, "acme");
}

TEST_P(PoliciesTest, OfNobodyAndOutOfBoundsAreRefused) {
  EXPECT_THAT(policies_.get(4711), FailsWith(Errc::not_found));
  EXPECT_THAT(policies_.set(4711, Policy(), some_origin()), FailsWith(Errc::not_found));
  for (const auto life : {3599s, 0s, -1s, std::chrono::seconds(Policy::kLongestTokenLife) + 1s}) {
    Policy policy;
    policy.token_life = life;
    EXPECT_THAT(policies_.set(Policies::kInstallation, policy, some_origin()),
                FailsWith(Errc::invalid_argument));
  }
}

TEST_P(PoliciesTest, HoldForARobotAsTheStrictestOfAllThatApply) {
  const auto acme = make_organization("acme");
  const auto umbrella = make_organization("umbrella");
  Policy installation;
  installation.token_life = 60 * 24h;
  installation.networks = Networks::parse("10.0.0.0/8").value();
  set_policy(installation);
  Policy of_acme;
  of_acme.token_life = 7 * 24h;
  of_acme.mfa_required = true;
  of_acme.networks = Networks::parse("10.1.0.0/16 192.0.2.0/24").value();
  set_policy(of_acme, acme);
  Policy of_umbrella;
  of_umbrella.token_life = 365 * 24h;
  of_umbrella.password_login = false;
  set_policy(of_umbrella, umbrella);

  const auto acmes = effective(make_robot("acme-robot", "organization_id", acme));
  EXPECT_TRUE(acmes.mfa_required);
  EXPECT_TRUE(acmes.password_login);
  EXPECT_EQ(acmes.token_life, 7 * 24h);
  EXPECT_TRUE(acmes.allow("10.1.2.3"));
  EXPECT_FALSE(acmes.allow("10.2.2.3")) << "acme does not allow it";
  EXPECT_FALSE(acmes.allow("192.0.2.1")) << "the installation does not allow it";

  const auto umbrellas = effective(make_robot("umbrella-robot", "organization_id", umbrella));
  EXPECT_FALSE(umbrellas.password_login);
  EXPECT_EQ(umbrellas.token_life, 60 * 24h) << "an organization cannot be milder than the installation";
}

TEST_P(PoliciesTest, OfAnOrganizationAreNoMilderThanAnInstallationThatHasSetNone) {
  const auto acme = make_organization("acme");
  Policy mild;
  mild.token_life = 365 * 24h;
  set_policy(mild, acme);
  EXPECT_EQ(effective(make_robot("acme-robot", "organization_id", acme)).token_life, 90 * 24h);
}

TEST_P(PoliciesTest, OfAnOrganizationSayNothingOfItsMembersElsewhere) {
  const auto acme = make_organization("acme");
  join(alice_, acme, "owner");
  join(bob_, acme);
  Policy strict{.mfa_required = true,
                .token_life = 1h,
                .networks = Networks::parse("192.0.2.0/24").value(),
                .password_login = false};
  set_policy(strict, acme);
  for (const Account& account : {alice_, bob_}) {
    const auto holds = effective(account);
    EXPECT_FALSE(holds.mfa_required);
    EXPECT_TRUE(holds.password_login);
    EXPECT_EQ(holds.token_life, 90 * 24h);
    EXPECT_TRUE(holds.allow("198.51.100.1"));
  }
  EXPECT_EQ(*policies_.of_organization(acme).value(), strict);
  EXPECT_EQ(*policies_.peek_organization(acme), strict);
  set_policy(Policy(), acme);
  EXPECT_EQ(policies_.peek_organization(acme), nullptr);
}

TEST_P(PoliciesTest, SayWhatSomebodyLacks) {
  const Policy policy{.mfa_required = true,
                      .token_life = 24h,
                      .networks = Networks::parse("192.0.2.0/24").value(),
                      .password_login = false};
  const Proof good{.by_password = false, .multi_factor = true, .life = 24h};
  EXPECT_EQ(policy.lacking(good, "192.0.2.1"), "");
  EXPECT_NE(policy.lacking(good, "198.51.100.1"), "");
  EXPECT_NE(policy.lacking(good, ""), "");
  for (const Proof& bad : {Proof{.by_password = true, .multi_factor = true, .life = {}},
                           Proof{.by_password = false, .multi_factor = false, .life = {}},
                           Proof{.by_password = false, .multi_factor = true, .life = 24h + 1s}})
    EXPECT_NE(policy.lacking(bad, "192.0.2.1"), "");
  EXPECT_EQ(Policy().lacking(Proof{.by_password = true, .multi_factor = false, .life = {}}, ""), "");
}

TEST_P(PoliciesTest, HoldForRobotsOfTheOrganizationAndOfItsRepositories) {
  const auto acme = make_organization("acme");
  const auto robot = make_robot("acme-robot", "organization_id", acme);
  const auto helper =
      make_robot("acme-app-robot", "repository_id", make_repository("acme/app", space("acme")));
  const auto other = make_robot("other-robot", "repository_id", make_repository("alice/app", space("alice")));
  Policy policy;
  policy.token_life = 24h;
  set_policy(policy, acme);
  EXPECT_EQ(effective(robot).token_life, 24h);
  EXPECT_EQ(effective(helper).token_life, 24h);
  EXPECT_EQ(effective(other).token_life, 90 * 24h);
}

TEST_P(PoliciesTest, AreRememberedUntilAnyChanges) {
  const auto acme = make_organization("acme");
  effective(alice_);
  const int before = database_.asked();
  ASSERT_NE(policies_.peek(alice_.id), nullptr);
  effective(alice_);
  EXPECT_EQ(database_.asked(), before);
  EXPECT_EQ(policies_.peek(bob_.id), nullptr);

  Policy policy;
  policy.mfa_required = true;
  set_policy(policy, acme);
  EXPECT_EQ(policies_.peek(alice_.id), nullptr);
  effective(alice_);
  policies_.forget();
  EXPECT_EQ(policies_.peek(alice_.id), nullptr);
}

TEST_P(PoliciesTest, AreNeverOlderThanTheCallThatChangedThem) {
  std::atomic<int> strictness{0};
  std::atomic<bool> stop{false};
  std::atomic<bool> stale{false};
  std::thread reader([&] {
    while (!stop) {
      const int least = strictness;
      const auto known = policies_.peek(alice_.id);
      const auto policy = known ? known : policies_.effective(alice_.id).value();
      if (policy->token_life > 90 * 24h - std::chrono::hours(least)) stale = true;
    }
  });
  for (int i = 1; i <= 50; ++i) {
    Policy policy;
    policy.token_life = 90 * 24h - std::chrono::hours(i);
    set_policy(policy);
    strictness = i;
  }
  stop = true;
  reader.join();
  EXPECT_FALSE(stale);
}

INSTANTIATE_TEST_SUITE_P(Engines, PoliciesTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

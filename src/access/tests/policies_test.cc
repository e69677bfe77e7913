// What the policy of an organization withholds: the roles of its own repositories, from credentials that it
// does not let in.
#include <algorithm>

#include "access/roles.h"
#include "access/tests/facts_fixture.h"

namespace bulkhead::access {
namespace {

using namespace std::chrono_literals;
using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::some_origin;

constexpr std::string_view kInside = "192.0.2.7";
constexpr std::string_view kOutside = "198.51.100.7";

class OrganizationPolicies : public testing::FactsFixture {
 protected:
  OrganizationPolicies() {
    organization("acme");
    member("acme", bob_);
    make("acme/app", alice_);
    make("alice/app", alice_);
    grant("bob", Role::writer, "acme/app");
    grant("bob", Role::writer, "alice/app");
    bob_.address = kInside;
    bob_.proof = {.by_password = false, .multi_factor = true, .life = 1h};
  }

  void set(const identity::Policy& policy) {
    EXPECT_THAT(policies_.set(id_of("organizations", "acme"), policy, some_origin()), Succeeds());
  }
  bool lets_in(const Principal& who) {
    const auto resolved = facts_.resolve(who, repository("acme/app")).value();
    const auto peeked = facts_.peek(who, repository("acme/app"));
    EXPECT_TRUE(peeked && peeked->standing.role == resolved.standing.role);
    EXPECT_EQ(resolved.standing.role == Role::none, !resolved.standing.lacking.empty());
    const bool reached = resolved.standing.role == Role::writer;
    EXPECT_EQ(decide(who, Action::push, resolved.standing), reached);
    const auto listed = facts_.catalog(who, "", 10).value();
    EXPECT_EQ(std::ranges::find(listed, "acme/app") != listed.end(), reached);
    EXPECT_EQ(standing(who, "acme/absent").lacking, "") << "no role there";
    bool still = false;
    const std::int64_t id = id_of("repositories", "acme/app");
    EXPECT_THAT(installation_.database->read([&](db::Session& session) -> Result<void> {
      still = check_still_may(session, who, Action::push, id, installation_.clock.now()).has_value();
      return {};
    }),
                Succeeds());
    EXPECT_EQ(still, reached);
    EXPECT_EQ(role(who, "alice/app"), Role::writer) << "no business of the organization";
    return reached;
  }
};

TEST_P(OrganizationPolicies, WithholdRolesFromWhoDoesNotMeetThem) {
  EXPECT_TRUE(lets_in(bob_));
  set({.mfa_required = true,
       .token_life = 1h,
       .networks = identity::Networks::parse("192.0.2.0/24").value(),
       .password_login = false});
  EXPECT_TRUE(lets_in(bob_));
  Principal other = bob_;
  other.address = kOutside;
  EXPECT_FALSE(lets_in(other));
  other = bob_;
  other.proof.multi_factor = false;
  EXPECT_FALSE(lets_in(other));
  other = bob_;
  other.proof.by_password = true;
  EXPECT_FALSE(lets_in(other));
  other = bob_;
  other.proof.life = 2h;
  EXPECT_FALSE(lets_in(other));
  set({});
  EXPECT_TRUE(lets_in(other));
}

TEST_P(OrganizationPolicies, TakeFromNobodyWhatAnybodyMayPull) {
  publish("acme/app");
  set({.networks = identity::Networks::parse("192.0.2.0/24").value()});
  bob_.address = kOutside;
  const auto outside = standing(bob_, "acme/app");
  EXPECT_TRUE(decide(bob_, Action::pull, outside));
  EXPECT_FALSE(decide(bob_, Action::push, outside));
  const auto listed = facts_.catalog(bob_, "", 10).value();
  EXPECT_NE(std::ranges::find(listed, "acme/app"), listed.end());
}

TEST_P(OrganizationPolicies, GoWithTheNamespaceThatARepositoryIsIn) {
  set({.networks = identity::Networks::parse("192.0.2.0/24").value()});
  bob_.address = kOutside;
  ASSERT_THAT(
      facts_.rename(repository("acme/app"), repository("alice/moved"), Robots::come_along, some_origin()),
      Succeeds());
  EXPECT_EQ(role(bob_, "alice/moved"), Role::writer);
  ASSERT_THAT(
      facts_.rename(repository("alice/app"), repository("acme/came"), Robots::come_along, some_origin()),
      Succeeds());
  EXPECT_EQ(role(bob_, "acme/came"), Role::none);
}

TEST_P(OrganizationPolicies, OfARobotsNewOrganizationHoldForItAtOnce) {
  const auto bot = robot("alice+bot", "", id_of("repositories", "alice/app"));
  identity::Policy brief;
  brief.token_life = 2h;
  set(brief);
  EXPECT_EQ(policies_.effective(bot.account_id).value()->token_life, 90 * 24h);
  ASSERT_THAT(
      facts_.rename(repository("alice/app"), repository("acme/came"), Robots::come_along, some_origin()),
      Succeeds());
  EXPECT_EQ(policies_.effective(bot.account_id).value()->token_life, 2h);
}

INSTANTIATE_TEST_SUITE_P(Engines, OrganizationPolicies,
                         ::testing::Values(db::testing::Engine::sqlite, db::testing::Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::access

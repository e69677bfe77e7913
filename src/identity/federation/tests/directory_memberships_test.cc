// What a directory says about teams, and what people said beside it.

#include "identity/people/testing/directory_fixture.h"

namespace bulkhead::identity {
namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Recorded;
using testing::some_origin;

class DirectoryMembershipsTest : public testing::DirectoryFixture {
 protected:
  std::int64_t provider(std::string_view name) {
    installation_.write(
        "INSERT INTO login_providers (name, kind, settings, sealed, created_at) VALUES (?, 'oidc', '', '', "
        "0)",
        {std::string(name)});
    return integer("SELECT id FROM login_providers WHERE name = ?", {std::string(name)});
  }
  void map(std::int64_t provider_id, const Team& to) {
    installation_.write("INSERT INTO group_mappings (provider_id, external_group, team_id) VALUES (?, ?, ?)",
                        {provider_id, to.name, to.id});
  }
  Result<void> says(std::int64_t provider_id, std::vector<std::int64_t> teams) {
    return teams_.set_directory_memberships(bob_.id, provider_id, teams, some_origin());
  }
  std::vector<std::string> teams_of_bob() {
    std::vector<std::string> all;
    for (const Team& each : teams_.of_account(bob_.id).value()) all.push_back(each.path());
    return all;
  }
  std::optional<MemberRole> role_of_bob() { return members_.role(acme_.id, bob_.id).value(); }

  Organization acme_ = organization("acme", alice_);
  Team devs_ = team(acme_, "devs");
  Team ops_ = team(acme_, "ops");
  std::int64_t sso_ = provider("sso");
};

TEST_P(DirectoryMembershipsTest, FollowTheLastLogIn) {
  map(sso_, devs_);
  map(sso_, ops_);
  ASSERT_THAT(says(sso_, {devs_.id}), Succeeds());
  EXPECT_THAT(teams_of_bob(), ElementsAre("acme/devs"));
  EXPECT_EQ(role_of_bob(), MemberRole::member) << "comes with the team";
  EXPECT_TRUE(members_.list(acme_.id, "", 9).value().at(1).from_directory);
  EXPECT_TRUE(teams_.members(devs_.id, "", 9).value().at(0).from_directory);
  EXPECT_EQ(installation_.last_event(), (Recorded{"team_member_added", "root-of-tests", "operator", "", "bob",
                                                  R"({"team":"acme/devs","source":"sso"})"}));

  const auto before = events();
  const int forgotten = roles_changed_;
  ASSERT_THAT(says(sso_, {devs_.id}), Succeeds());
  EXPECT_EQ(events(), before) << "nothing changed";
  ASSERT_THAT(says(sso_, {ops_.id}), Succeeds());
  EXPECT_GT(roles_changed_, forgotten);
  EXPECT_THAT(teams_of_bob(), ElementsAre("acme/ops"));
  EXPECT_EQ(role_of_bob(), MemberRole::member);
  for (const auto& event : installation_.events()) EXPECT_NE(event.action, "organization_member_removed");

  ASSERT_THAT(says(sso_, {}), Succeeds());
  EXPECT_THAT(teams_of_bob(), IsEmpty());
  EXPECT_EQ(role_of_bob(), std::nullopt) << "goes with the last team";
  EXPECT_EQ(installation_.last_event().action, "organization_member_removed");
}

TEST_P(DirectoryMembershipsTest, LeaveAloneWhatPeopleDecided) {
  map(sso_, devs_);
  map(sso_, ops_);
  join(acme_, bob_, MemberRole::owner);
  ASSERT_THAT(teams_.add_member(devs_.id, bob_.id, some_origin()), Succeeds());
  ASSERT_THAT(says(sso_, {devs_.id, ops_.id}), Succeeds());
  EXPECT_EQ(role_of_bob(), MemberRole::owner);
  ASSERT_THAT(says(sso_, {}), Succeeds());
  EXPECT_THAT(teams_of_bob(), ElementsAre("acme/devs"));
  EXPECT_EQ(role_of_bob(), MemberRole::owner);
}

TEST_P(DirectoryMembershipsTest, AreRemovedWhereTheyComeFrom) {
  map(sso_, devs_);
  ASSERT_THAT(says(sso_, {devs_.id}), Succeeds());
  EXPECT_THAT(teams_.remove_member(devs_.id, bob_.id, some_origin()), FailsWith(Errc::conflict));
  ASSERT_THAT(teams_.add_member(devs_.id, bob_.id, some_origin()), Succeeds());
  ASSERT_THAT(teams_.remove_member(devs_.id, bob_.id, some_origin()), Succeeds());
  EXPECT_THAT(teams_of_bob(), ElementsAre("acme/devs")) << "the directory's stays";
}

TEST_P(DirectoryMembershipsTest, OfAnotherProviderAreNotThisOnesBusiness) {
  const auto other = provider("other");
  map(sso_, devs_);
  map(other, ops_);
  ASSERT_THAT(says(sso_, {devs_.id}), Succeeds());
  ASSERT_THAT(says(other, {ops_.id}), Succeeds());
  EXPECT_THAT(teams_of_bob(), ElementsAre("acme/devs", "acme/ops"));
  ASSERT_THAT(says(sso_, {}), Succeeds());
  EXPECT_THAT(teams_of_bob(), ElementsAre("acme/ops"));
  EXPECT_THAT(says(sso_, {ops_.id}), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(teams_of_bob(), ElementsAre("acme/ops"));
}

TEST_P(DirectoryMembershipsTest, EndWithTheirMapping) {
  map(sso_, devs_);
  map(sso_, ops_);
  ASSERT_THAT(says(sso_, {devs_.id, ops_.id}), Succeeds());
  ASSERT_THAT(teams_.end_directory_memberships(ops_.id, some_origin()), Succeeds());
  EXPECT_THAT(teams_of_bob(), ElementsAre("acme/devs"));
  EXPECT_EQ(role_of_bob(), MemberRole::member);
  installation_.write("DELETE FROM group_mappings");
  ASSERT_THAT(says(sso_, {}), Succeeds());
  EXPECT_THAT(teams_of_bob(), IsEmpty()) << "no longer mapped to anything";
  EXPECT_EQ(role_of_bob(), std::nullopt);
}

TEST_P(DirectoryMembershipsTest, EndWithTheTeam) {
  map(sso_, devs_);
  ASSERT_THAT(says(sso_, {devs_.id}), Succeeds());
  ASSERT_THAT(teams_.remove(devs_.id, some_origin()), Succeeds());
  EXPECT_EQ(role_of_bob(), std::nullopt);
  EXPECT_EQ(count("group_mappings"), 0);
}

TEST_P(DirectoryMembershipsTest, StayWhenSomebodyMakesTheMembershipTheirOwn) {
  map(sso_, devs_);
  ASSERT_THAT(says(sso_, {devs_.id}), Succeeds());
  join(acme_, bob_);
  ASSERT_THAT(says(sso_, {}), Succeeds());
  EXPECT_EQ(role_of_bob(), MemberRole::member);
}

TEST_P(DirectoryMembershipsTest, AreForPeople) {
  const auto robot = robots_.create_for_organization(acme_.id, "ci", "", {}, some_origin()).value();
  EXPECT_THAT(teams_.set_directory_memberships(robot.account.id, sso_, {}, some_origin()),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(teams_.set_directory_memberships(4711, sso_, {}, some_origin()), FailsWith(Errc::not_found));
}

INSTANTIATE_TEST_SUITE_P(Engines, DirectoryMembershipsTest,
                         ::testing::Values(Engine::sqlite, Engine::postgres), db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

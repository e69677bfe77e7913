#include "identity/people/teams.h"

#include <thread>

#include "identity/people/testing/directory_fixture.h"

namespace bulkhead::identity {
namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::ElementsAre;
using testing::Recorded;
using testing::some_origin;

class TeamsTest : public testing::DirectoryFixture {
 protected:
  Result<void> put_under(const Team& child, std::optional<std::int64_t> parent) {
    return teams_.set_parent(child.id, parent, some_origin());
  }
  // Of `levels` teams, each below the one before it.
  std::vector<Team> chain(std::string_view name, std::int64_t levels) {
    std::vector<Team> all;
    for (std::int64_t level = 1; level <= levels; ++level)
      all.push_back(team(acme_, std::string(name) + std::to_string(level),
                         all.empty() ? std::nullopt : std::optional(all.back().id)));
    return all;
  }

  Organization acme_ = organization("acme", alice_);
};

TEST_P(TeamsTest, AreMadeFoundAndListed) {
  const auto devs = team(acme_, "devs");
  const auto core = teams_.create(acme_.id, "core", devs.id, some_origin());
  ASSERT_THAT(core, Succeeds());
  EXPECT_EQ(core->path(), "acme/core");
  EXPECT_EQ(core->parent_id, devs.id);
  EXPECT_EQ(installation_.last_event(),
            (Recorded{"team_created", "root-of-tests", "operator", "", "acme/core", R"({"parent":"devs"})"}));
  EXPECT_EQ(teams_.find(acme_.id, "core")->id, core->id);
  EXPECT_EQ(teams_.find(core->id)->parent_id, devs.id);
  EXPECT_EQ(teams_.find(devs.id)->parent_id, std::nullopt);
  const auto page = teams_.list(acme_.id, "core", 5).value();
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(page[0].name, "devs");
  EXPECT_EQ(teams_.list(acme_.id, "", 1)->size(), 1u);
  EXPECT_THAT(teams_.find(acme_.id, "nobody"), FailsWith(Errc::not_found));
  EXPECT_THAT(teams_.find(acme_.id, "\xff"), FailsWith(Errc::not_found));
  EXPECT_THAT(teams_.find(4711), FailsWith(Errc::not_found));
}

TEST_P(TeamsTest, HaveNamesOfTheirOwnInEachOrganization) {
  const auto globex = organization("globex", bob_);
  team(acme_, "devs");
  team(globex, "devs");
  EXPECT_THAT(teams_.create(acme_.id, "devs", {}, some_origin()), FailsWith(Errc::conflict));
  for (const char* name : {"Devs", "d\xd0\xb5vs", "a/b", "", "-a"})
    EXPECT_THAT(teams_.create(acme_.id, name, {}, some_origin()), FailsWith(Errc::name_invalid)) << name;
  EXPECT_THAT(teams_.create(4711, "devs", {}, some_origin()), FailsWith(Errc::not_found));
  EXPECT_EQ(count("teams"), 2);
}

TEST_P(TeamsTest, ChangeTheirNames) {
  const auto devs = team(acme_, "devs");
  team(acme_, "ops");
  ASSERT_THAT(teams_.rename(devs.id, "developers", some_origin()), Succeeds());
  EXPECT_EQ(teams_.find(devs.id)->name, "developers");
  EXPECT_EQ(installation_.last_event().target, "acme/devs");
  EXPECT_EQ(installation_.last_event().detail, R"({"name":"developers"})");
  const auto before = events();
  EXPECT_THAT(teams_.rename(devs.id, "developers", some_origin()), Succeeds());
  EXPECT_THAT(teams_.rename(devs.id, "ops", some_origin()), FailsWith(Errc::conflict));
  EXPECT_THAT(teams_.rename(devs.id, "Ops", some_origin()), FailsWith(Errc::name_invalid));
  EXPECT_THAT(teams_.rename(4711, "x", some_origin()), FailsWith(Errc::not_found));
  EXPECT_EQ(events(), before);
  EXPECT_NE(team(acme_, "devs").id, devs.id);
}

TEST_P(TeamsTest, FormNoCycle) {
  const auto teams = chain("t", 3);
  const auto before = events();
  for (const Team& below : teams)
    EXPECT_THAT(put_under(teams[0], below.id), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(put_under(teams[1], teams[2].id), FailsWith(Errc::invalid_argument));
  EXPECT_EQ(events(), before);
  EXPECT_THAT(put_under(teams[2], teams[0].id), Succeeds());
  EXPECT_EQ(installation_.last_event().detail, R"({"parent":"t1"})");
  EXPECT_THAT(put_under(teams[1], teams[2].id), Succeeds());
}

TEST_P(TeamsTest, FormNoCycleWhenTwoMoveAtOnce) {
  const auto one = team(acme_, "one");
  const auto two = team(acme_, "two");
  std::atomic<int> moved{0};
  std::thread first([&] { moved += put_under(one, two.id).has_value(); });
  std::thread second([&] { moved += put_under(two, one.id).has_value(); });
  first.join();
  second.join();
  EXPECT_EQ(moved, 1);
}

TEST_P(TeamsTest, StandAtMostEightDeep) {
  const auto deep = chain("a", Teams::kDeepest);
  EXPECT_THAT(teams_.create(acme_.id, "lower", deep.back().id, some_origin()),
              FailsWith(Errc::invalid_argument));
  const auto pair = chain("b", 2);
  EXPECT_THAT(put_under(pair[0], deep[6].id), FailsWith(Errc::invalid_argument)) << "7 and 2";
  EXPECT_THAT(put_under(pair[0], deep[5].id), Succeeds()) << "6 and 2";
}

TEST_P(TeamsTest, AreLimitedInNumber) {
  const Organization other = organization("other", alice_);
  installation_.write(
      "INSERT INTO teams (organization_id, name, created_at) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
      "SELECT i + 1 FROM n WHERE i < ?) SELECT CAST(? AS BIGINT), 'team' || CAST(i AS TEXT), 0 FROM n",
      {Teams::kMost - 1, acme_.id});
  const Team last = team(acme_, "last");
  const auto before = events();
  EXPECT_THAT(teams_.create(acme_.id, "more", {}, some_origin()), FailsWith(Errc::conflict));
  EXPECT_EQ(events(), before);
  EXPECT_THAT(teams_.create(other.id, "more", {}, some_origin()), Succeeds());
  ASSERT_THAT(teams_.remove(last.id, some_origin()), Succeeds());
  EXPECT_THAT(teams_.create(acme_.id, "more", {}, some_origin()), Succeeds());
}

TEST_P(TeamsTest, HaveParentsOfTheirOwnOrganization) {
  const auto globex = organization("globex", bob_);
  const auto theirs = team(globex, "staff");
  const auto devs = team(acme_, "devs");
  EXPECT_THAT(put_under(devs, theirs.id), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(teams_.create(acme_.id, "more", theirs.id, some_origin()), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(put_under(devs, 4711), FailsWith(Errc::not_found));
  EXPECT_THAT(put_under(devs, {}), Succeeds());
  EXPECT_EQ(count("teams"), 2);
}

TEST_P(TeamsTest, EndWithTheirGrantsButNotAboveOthers) {
  const auto teams = chain("t", 2);
  join(acme_, bob_);
  ASSERT_THAT(teams_.add_member(teams[1].id, bob_.id, some_origin()), Succeeds());
  ASSERT_THAT(
      invitations_.invite({acme_.id, "carol", "", MemberRole::member, teams[1].id}, alice_.id, some_origin()),
      Succeeds());
  installation_.write(
      "INSERT INTO team_namespace_grants (team_id, namespace_id, role) VALUES (?, ?, 'writer')",
      {teams[1].id, namespace_of("acme")});
  EXPECT_THAT(teams_.remove(teams[0].id, some_origin()), FailsWith(Errc::conflict));
  const int before = roles_changed_;
  ASSERT_THAT(teams_.remove(teams[1].id, some_origin()), Succeeds());
  EXPECT_GT(roles_changed_, before);
  EXPECT_EQ(installation_.last_event().action, "team_deleted");
  EXPECT_EQ(count("team_members") + count("team_namespace_grants"), 0);
  EXPECT_EQ(invitations_.of_organization(acme_.id, 0, 9).value().at(0).team_id, std::nullopt);
  EXPECT_THAT(teams_.remove(teams[1].id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(teams_.remove(teams[0].id, some_origin()), Succeeds());
}

TEST_P(TeamsTest, TakeMembersOfTheOrganizationOnly) {
  const auto devs = team(acme_, "devs");
  EXPECT_THAT(teams_.add_member(devs.id, bob_.id, some_origin()), FailsWith(Errc::conflict));
  join(acme_, bob_);
  ASSERT_THAT(teams_.add_member(devs.id, bob_.id, some_origin()), Succeeds());
  EXPECT_EQ(installation_.last_event(), (Recorded{"team_member_added", "root-of-tests", "operator", "", "bob",
                                                  R"({"team":"acme/devs","source":"direct"})"}));
  const auto before = events();
  EXPECT_THAT(teams_.add_member(devs.id, bob_.id, some_origin()), Succeeds());
  EXPECT_EQ(events(), before);
  const auto members = teams_.members(devs.id, "", 9).value();
  ASSERT_EQ(members.size(), 1u);
  EXPECT_EQ(members[0].account, "bob");
  EXPECT_TRUE(members[0].direct);
  EXPECT_FALSE(members[0].from_directory);
  EXPECT_TRUE(teams_.members(devs.id, "bob", 9)->empty());

  ASSERT_THAT(teams_.remove_member(devs.id, bob_.id, some_origin()), Succeeds());
  EXPECT_EQ(installation_.last_event().action, "team_member_removed");
  EXPECT_THAT(teams_.remove_member(devs.id, bob_.id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_EQ(members_.role(acme_.id, bob_.id).value(), MemberRole::member) << "still in the organization";
  EXPECT_THAT(teams_.add_member(4711, bob_.id, some_origin()), FailsWith(Errc::not_found));
}

INSTANTIATE_TEST_SUITE_P(Engines, TeamsTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

// Where roles come from: organizations, teams, robots, and how soon a change of them is seen.
#include "access/roles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "access/tests/facts_fixture.h"

namespace bulkhead::access {
namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::some_origin;

class RolesTest : public testing::FactsFixture {
 protected:
  RolesTest() {
    organization("acme");
    make("acme/app", admin_);
  }

  // Asked anew of the database, of Facts, and of its memory: they must agree.
  Role everywhere(const Principal& principal, std::string_view name) {
    const auto resolved = facts_.resolve(principal, repository(name)).value();
    EXPECT_EQ(facts_.peek(principal, repository(name))->standing.role, resolved.standing.role);
    if (resolved.repository != nullptr) {
      Role now = Role::none;
      EXPECT_THAT(installation_.database->read([&](db::Session& session) -> Result<void> {
        now = read_role(session, principal, resolved.repository->id).value();
        return {};
      }),
                  Succeeds());
      EXPECT_EQ(now, resolved.standing.role);
    }
    return resolved.standing.role;
  }
};

TEST_P(RolesTest, OwnersOfAnOrganizationOwnItsNamespace) {
  member("acme", alice_, "owner");
  EXPECT_EQ(everywhere(alice_, "acme/app"), Role::owner);
  EXPECT_EQ(everywhere(alice_, "acme/absent"), Role::owner);
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::none);
  EXPECT_EQ(everywhere(alice_, "bob/app"), Role::none);
}

TEST_P(RolesTest, MembersHaveWhatTheOrganizationGivesAllOfThem) {
  member("acme", bob_);
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::none);
  for (const Role role : {Role::reader, Role::writer}) {
    installation_.write("UPDATE organizations SET member_role = ?", {std::string(name(role))});
    facts_.forget_roles();
    EXPECT_EQ(everywhere(bob_, "acme/app"), role);
    EXPECT_EQ(everywhere(bob_, "acme/absent"), role);
    EXPECT_EQ(everywhere(alice_, "acme/app"), Role::none);
  }
}

TEST_P(RolesTest, TeamsGiveTheirMembersWhatTheyAreGranted) {
  make("acme/other", admin_);
  const auto devs = team("acme", "devs");
  join(devs, bob_);
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::none);
  grant("team:acme/devs", Role::writer, "acme/app");
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::writer);
  EXPECT_EQ(everywhere(bob_, "acme/other"), Role::none);
  EXPECT_EQ(everywhere(alice_, "acme/app"), Role::none);
  grant("team:acme/devs", Role::reader, "acme/");
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::writer) << "the higher one";
  EXPECT_EQ(everywhere(bob_, "acme/other"), Role::reader);
  EXPECT_EQ(everywhere(bob_, "acme/absent"), Role::reader);
  revoke("team:acme/devs", "acme/app");
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::reader);
  revoke("team:acme/devs", "acme/");
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::none);
}

TEST_P(RolesTest, TeamsHaveWhatTheirAncestorsHaveAndNotTheOtherWayRound) {
  const auto all = team("acme", "all");
  const auto devs = team("acme", "devs", all);
  const auto web = team("acme", "web", devs);
  join(web, bob_);
  join(all, alice_);
  grant("team:acme/all", Role::reader, "acme/");
  grant("team:acme/devs", Role::writer, "acme/app");
  grant("team:acme/web", Role::maintainer, "acme/app");
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::maintainer);
  EXPECT_EQ(everywhere(alice_, "acme/app"), Role::reader);
  revoke("team:acme/web", "acme/app");
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::writer);
  revoke("team:acme/devs", "acme/app");
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::reader);
  leave(web, bob_);
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::none);
}

TEST_P(RolesTest, ACycleOfTeamsIsGoneRoundOnce) {
  const auto first = team("acme", "first");
  const auto second = team("acme", "second", first);
  installation_.write("UPDATE teams SET parent_id = ? WHERE id = ?", {second, first});
  join(first, bob_);
  grant("team:acme/second", Role::writer, "acme/app");
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::writer);
  EXPECT_THAT(facts_.effective_grants(repository("acme/app"), "", 10), Succeeds());
}

TEST_P(RolesTest, MembershipFromADirectoryCountsLikeAnyOther) {
  const auto devs = team("acme", "devs");
  grant("team:acme/devs", Role::writer, "acme/app");
  installation_.write("INSERT INTO team_members (team_id, account_id, source) VALUES (?, ?, 'sso')",
                      {devs, bob_.account_id});
  facts_.forget_roles();
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::writer);
  join(devs, bob_);
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::writer);
}

TEST_P(RolesTest, RobotsHaveWhatTheyAreGrantedAndNothingElse) {
  installation_.write("UPDATE organizations SET member_role = 'writer'");
  const Principal ci = robot("acme+ci", "acme");
  EXPECT_EQ(everywhere(ci, "acme/app"), Role::none);
  // Should it ever come to be in a list of people, that gives it nothing.
  member("acme", ci, "owner");
  const auto devs = team("acme", "devs");
  grant("team:acme/devs", Role::maintainer, "acme/app");
  join(devs, ci);
  EXPECT_EQ(everywhere(ci, "acme/app"), Role::none);
  EXPECT_EQ(facts_.catalog(ci, "", 10).value().size(), 0u);
  grant("acme+ci", Role::writer, "acme/app");
  EXPECT_EQ(everywhere(ci, "acme/app"), Role::writer);
  grant("acme+ci", Role::reader, "acme/");
  EXPECT_EQ(everywhere(ci, "acme/absent"), Role::reader);
  revoke("acme+ci", "acme/");
  revoke("acme+ci", "acme/app");
  EXPECT_EQ(everywhere(ci, "acme/app"), Role::none);
}

TEST_P(RolesTest, ARepositorysRobotStaysOnItsRepository) {
  make("acme/other", admin_);
  const Principal bot = robot("acme+bot", "", id_of("repositories", "acme/app"));
  for (const char* target : {"acme/other", "acme/", "/"})
    EXPECT_THAT(
        facts_.grant({false, "acme+bot"}, Role::reader, parse_grant_target(target).value(), some_origin()),
        FailsWith(Errc::invalid_argument))
        << target;
  grant("acme+bot", Role::writer, "acme/app");
  EXPECT_EQ(everywhere(bot, "acme/app"), Role::writer);
  EXPECT_EQ(everywhere(bot, "acme/other"), Role::none);
  EXPECT_EQ(everywhere(bot, "acme/absent"), Role::none);
}

TEST_P(RolesTest, AnAppointedOwnerOwnsTheirRepositoryAndNoOther) {
  make("acme/other", admin_);
  ASSERT_THAT(facts_.change(repository("acme/app"), {.owner = "bob"}, {}, some_origin()), Succeeds());
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::owner);
  EXPECT_EQ(everywhere(bob_, "acme/other"), Role::none);
  EXPECT_EQ(everywhere(bob_, "acme/absent"), Role::none);
}

TEST_P(RolesTest, WhoeverPushedFirstOwnsItAsLongAsSomethingElseGivesThemARole) {
  const auto devs = team("acme", "devs");
  join(devs, bob_);
  grant("team:acme/devs", Role::writer, "acme/");
  make("acme/bobs", bob_);
  EXPECT_EQ(everywhere(bob_, "acme/bobs"), Role::owner);
  EXPECT_EQ(everywhere(bob_, "acme/app"), Role::writer);
  leave(devs, bob_);
  EXPECT_EQ(everywhere(bob_, "acme/bobs"), Role::none);
  EXPECT_EQ(facts_.catalog(bob_, "", 10).value().size(), 0u);
  grant("bob", Role::reader, "acme/bobs");
  EXPECT_EQ(everywhere(bob_, "acme/bobs"), Role::owner);
  revoke("bob", "acme/bobs");
  EXPECT_EQ(everywhere(bob_, "acme/bobs"), Role::none);
}

TEST_P(RolesTest, ADemotedAdministratorKeepsNothingOfTheOfficialImages) {
  make("debian", admin_);
  EXPECT_EQ(everywhere(admin_, "debian"), Role::owner);
  Principal demoted = admin_;
  demoted.administrator = false;
  EXPECT_EQ(everywhere(demoted, "debian"), Role::none);
}

TEST_P(RolesTest, TeamGrantsLeaveTheirEvidence) {
  team("acme", "devs");
  grant("team:acme/devs", Role::writer, "acme/app");
  EXPECT_EQ(installation_.last_event(),
            (identity::testing::Recorded{"grant_set", "root-of-tests", "operator", "acme/app",
                                         "team:acme/devs", "writer"}));
  const auto events = installation_.events().size();
  grant("team:acme/devs", Role::writer, "acme/app");
  EXPECT_EQ(installation_.events().size(), events) << "it has that role already";
  revoke("team:acme/devs", "acme/app");
  EXPECT_EQ(installation_.last_event(),
            (identity::testing::Recorded{"grant_removed", "root-of-tests", "operator", "acme/app",
                                         "team:acme/devs", ""}));
  EXPECT_THAT(facts_.revoke({true, "acme/devs"}, {false, "acme/app"}, some_origin()),
              FailsWith(Errc::not_found));
}

TEST_P(RolesTest, TeamsThatAreNotThereAreGrantedNothing) {
  organization("other");
  team("other", "devs");
  for (const char* team :
       {"acme/devs", "acme/nobody", "nobody/devs", "acme", "acme/devs/web", "/", "\xff/\xff"})
    EXPECT_THAT(facts_.grant({true, team}, Role::reader, {false, "acme/app"}, some_origin()),
                FailsWith(Errc::not_found))
        << team;
}

TEST_P(RolesTest, ForgettingRolesFollowsTheNamesOfNamespaces) {
  EXPECT_TRUE(standing(admin_, "acme/app").exists);
  installation_.write("UPDATE namespaces SET name = 'apex' WHERE name = 'acme'");
  installation_.write("UPDATE repositories SET name = 'apex/app' WHERE name = 'acme/app'");
  facts_.forget_roles();
  EXPECT_FALSE(standing(admin_, "acme/app").exists);
  EXPECT_TRUE(standing(admin_, "apex/app").exists);
}

TEST(GrantSubject, IsAnAccountARobotOrATeam) {
  EXPECT_FALSE(parse_grant_subject("alice")->is_team);
  EXPECT_EQ(parse_grant_subject("alice")->name, "alice");
  EXPECT_FALSE(parse_grant_subject("acme+ci")->is_team);
  EXPECT_EQ(parse_grant_subject("acme+ci")->name, "acme+ci");
  EXPECT_TRUE(parse_grant_subject("team:acme/devs")->is_team);
  EXPECT_EQ(parse_grant_subject("team:acme/devs")->name, "acme/devs");
  for (const char* text : {"alice", "acme+ci", "team:acme/devs"})
    EXPECT_EQ(render(parse_grant_subject(text).value()), text);
  for (const char* text :
       {"", "Alice", "a/b", "team:", "team:acme", "team:acme/", "team:/devs", "team:a/b/c", "team:acme+devs",
        "+ci", "acme+", "a+b+c", "a+b/c", "a/b+c", "TEAM:acme/devs", "\xff"})
    EXPECT_THAT(parse_grant_subject(text), FailsWith(Errc::name_invalid)) << text;
}

INSTANTIATE_TEST_SUITE_P(Engines, RolesTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::access

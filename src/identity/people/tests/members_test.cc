#include "identity/people/members.h"

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

class MembersTest : public testing::DirectoryFixture {
 protected:
  Organization acme_ = organization("acme", alice_);
};

TEST_P(MembersTest, ComeAndChangeRolesWithEvidenceAndForgottenRoles) {
  const int before = roles_changed_;
  join(acme_, bob_);
  EXPECT_GT(roles_changed_, before);
  EXPECT_EQ(members_.role(acme_.id, bob_.id).value(), MemberRole::member);
  EXPECT_EQ(installation_.last_event(), (Recorded{"organization_member_set", "root-of-tests", "operator", "",
                                                  "bob", R"({"organization":"acme","role":"member"})"}));
  const auto written = events();
  join(acme_, bob_);
  EXPECT_EQ(events(), written) << "nothing changed";
  join(acme_, bob_, MemberRole::owner);
  EXPECT_EQ(members_.role(acme_.id, bob_.id).value(), MemberRole::owner);
  EXPECT_EQ(members_.role(acme_.id, carol_.id).value(), std::nullopt);
}

TEST_P(MembersTest, AreListedPageByPageAndByAccount) {
  join(acme_, carol_);
  join(acme_, bob_);
  const auto globex = organization("globex", bob_);
  const auto page = members_.list(acme_.id, "alice", 1).value();
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(page[0].account, "bob");
  EXPECT_EQ(page[0].role, MemberRole::member);
  EXPECT_FALSE(page[0].from_directory);
  EXPECT_EQ(members_.list(acme_.id, "", 100)->size(), 3u);
  EXPECT_TRUE(members_.list(4711, "", 100)->empty());

  const auto mine = members_.of_account(bob_.id).value();
  ASSERT_EQ(mine.size(), 2u);
  EXPECT_EQ(mine[0].organization.id, acme_.id);
  EXPECT_EQ(mine[0].role, MemberRole::member);
  EXPECT_EQ(mine[1].organization.id, globex.id);
  EXPECT_EQ(mine[1].role, MemberRole::owner);
}

TEST_P(MembersTest, ArePeopleWhoExist) {
  const auto robot = robots_.create_for_organization(acme_.id, "ci", "", {}, some_origin()).value();
  EXPECT_THAT(members_.set(acme_.id, robot.account.id, MemberRole::member, some_origin()),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(members_.set(acme_.id, 4711, MemberRole::member, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(members_.set(4711, bob_.id, MemberRole::member, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(members_.remove(acme_.id, bob_.id, some_origin()), FailsWith(Errc::not_found));
}

TEST_P(MembersTest, KeepTheLastOwnerWhoIsActive) {
  join(acme_, bob_, MemberRole::owner);
  installation_.write("UPDATE accounts SET state = 'locked' WHERE id = ?", {bob_.id});
  const auto before = events();
  EXPECT_THAT(members_.remove(acme_.id, alice_.id, some_origin()), FailsWith(Errc::conflict));
  EXPECT_THAT(members_.set(acme_.id, alice_.id, MemberRole::member, some_origin()),
              FailsWith(Errc::conflict));
  EXPECT_EQ(events(), before);
  EXPECT_EQ(members_.role(acme_.id, alice_.id).value(), MemberRole::owner);
  EXPECT_THAT(members_.remove(acme_.id, bob_.id, some_origin()), Succeeds());
}

TEST_P(MembersTest, OneOfTwoOwnersWhoLeaveAtOnceStays) {
  join(acme_, bob_, MemberRole::owner);
  std::atomic<int> left{0};
  std::thread first([&] { left += members_.remove(acme_.id, alice_.id, some_origin()).has_value(); });
  std::thread second([&] { left += members_.remove(acme_.id, bob_.id, some_origin()).has_value(); });
  first.join();
  second.join();
  EXPECT_EQ(left, 1);
  EXPECT_EQ(integer("SELECT COUNT(*) FROM organization_members WHERE role = 'owner'"), 1);
}

TEST_P(MembersTest, LeaveNothingBehind) {
  const auto globex = organization("globex", carol_);
  const auto devs = team(acme_, "devs");
  const auto others = team(globex, "devs");
  join(acme_, bob_, MemberRole::owner);
  join(globex, bob_);
  for (const Team& each : {devs, others})
    ASSERT_THAT(teams_.add_member(each.id, bob_.id, some_origin()), Succeeds());
  const auto app = repository("acme/app", bob_.id, "bob");
  const auto tool = repository("acme/tool", bob_.id, "ops@example.com");
  const auto foreign = repository("globex/app", bob_.id, "bob");
  installation_.write("UPDATE repositories SET owner_appointed = 1");
  for (const auto id : {app, foreign})
    installation_.write(
        "INSERT INTO repository_grants (repository_id, account_id, role) VALUES (?, ?, 'writer')",
        {id, bob_.id});
  for (const char* name : {"acme", "globex"})
    installation_.write(
        "INSERT INTO namespace_grants (namespace_id, account_id, role) VALUES (?, ?, 'writer')",
        {namespace_of(name), bob_.id});
  ASSERT_THAT(invitations_.invite({acme_.id, "carol", "", MemberRole::owner, {}}, bob_.id, some_origin()),
              Succeeds());

  ASSERT_THAT(members_.remove(acme_.id, bob_.id, some_origin()), Succeeds());
  EXPECT_EQ(installation_.last_event(), (Recorded{"organization_member_removed", "root-of-tests", "operator",
                                                  "", "bob", R"({"organization":"acme"})"}));
  EXPECT_EQ(members_.role(acme_.id, bob_.id).value(), std::nullopt);
  const auto teams = teams_.of_account(bob_.id).value();
  ASSERT_EQ(teams.size(), 1u);
  EXPECT_EQ(teams[0].id, others.id);
  EXPECT_EQ(integer("SELECT repository_id FROM repository_grants"), foreign);
  EXPECT_EQ(integer("SELECT namespace_id FROM namespace_grants"), namespace_of("globex"));
  EXPECT_EQ(count("repository_grants") + count("namespace_grants"), 2);
  EXPECT_EQ(count("invitations"), 0);
  EXPECT_EQ(installation_.events().at(events() - 2),
            (Recorded{"repository_owner_changed", "root-of-tests", "operator", "acme/tool", "alice", "bob"}));
  const auto owners =
      installation_.read("SELECT name, owner_id, contact, owner_appointed FROM repositories ORDER BY name");
  EXPECT_EQ(owners[0].integer(1), alice_.id);
  EXPECT_EQ(owners[0].text(2), "alice");
  EXPECT_EQ(owners[0].integer(3), 0) << "by office, not by appointment";
  EXPECT_EQ(owners[1].integer(1), alice_.id);
  EXPECT_EQ(owners[1].text(2), "ops@example.com");
  EXPECT_EQ(owners[2].integer(1), bob_.id) << "of another organization";
  EXPECT_EQ(repository_name(tool), "acme/tool");
}

TEST_P(MembersTest, WhoIsNoLongerOwnerHasInvitedNobody) {
  join(acme_, bob_, MemberRole::owner);
  ASSERT_THAT(invitations_.invite({acme_.id, "carol", "", MemberRole::owner, {}}, bob_.id, some_origin()),
              Succeeds());
  join(acme_, bob_, MemberRole::member);
  EXPECT_EQ(count("invitations"), 0);
}

TEST_P(MembersTest, HaveWordsForRoles) {
  for (const auto role : {MemberRole::member, MemberRole::owner})
    EXPECT_EQ(parse_member_role(name(role)).value(), role);
  for (const auto access : {MemberAccess::none, MemberAccess::reader, MemberAccess::writer})
    EXPECT_EQ(parse_member_access(name(access)).value(), access);
  EXPECT_THAT(parse_member_role("admin"), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(parse_member_access("maintainer"), FailsWith(Errc::invalid_argument));
}

INSTANTIATE_TEST_SUITE_P(Engines, MembersTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

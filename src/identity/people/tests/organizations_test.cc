#include "identity/people/organizations.h"

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

using OrganizationsTest = testing::DirectoryFixture;

TEST_P(OrganizationsTest, AreMadeWithANamespaceAnOwnerAndEvidence) {
  const auto acme = organizations_.create("acme", "Acme Ltd", alice_.id, some_origin());
  ASSERT_THAT(acme, Succeeds());
  EXPECT_EQ(acme->display_name, "Acme Ltd");
  EXPECT_EQ(acme->member_access, MemberAccess::none);
  EXPECT_EQ(acme->created_at, installation_.clock.now());
  EXPECT_EQ(organizations_.find("acme")->id, acme->id);
  EXPECT_EQ(organizations_.find(acme->id)->name, "acme");
  EXPECT_EQ(integer("SELECT organization_id FROM namespaces WHERE name = 'acme'"), acme->id);
  EXPECT_EQ(members_.role(acme->id, alice_.id).value(), MemberRole::owner);
  EXPECT_EQ(installation_.last_event(),
            (Recorded{"organization_created", "root-of-tests", "operator", "", "acme", "alice"}));
  EXPECT_GT(roles_changed_, 0);
}

TEST_P(OrganizationsTest, ShareTheirNamesWithAccounts) {
  organization("acme", alice_);
  EXPECT_THAT(organizations_.create("acme", "", bob_.id, some_origin()), FailsWith(Errc::conflict));
  EXPECT_THAT(organizations_.create("bob", "", bob_.id, some_origin()), FailsWith(Errc::conflict));
  EXPECT_THAT(installation_.accounts.create("acme", Secret<>(std::string("correct horse battery")), false,
                                            some_origin()),
              FailsWith(Errc::conflict));
  EXPECT_EQ(count("organizations"), 1);
}

TEST_P(OrganizationsTest, RefuseBadNamesAndOwnersWithoutATrace) {
  const auto before = events();
  for (const char* name : {"Acme", "a", "library", "acme+x",
                           "\xd0\xb0"
                           "cme",
                           ""})
    EXPECT_THAT(organizations_.create(name, "", alice_.id, some_origin()), FailsWith(Errc::name_invalid))
        << name;
  EXPECT_THAT(organizations_.create("acme", "a\nb", alice_.id, some_origin()),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(organizations_.create("acme", "", 4711, some_origin()), FailsWith(Errc::not_found));
  installation_.write("UPDATE accounts SET state = 'disabled' WHERE id = ?", {bob_.id});
  EXPECT_THAT(organizations_.create("acme", "", bob_.id, some_origin()), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(organizations_.find("acme"), FailsWith(Errc::not_found));
  EXPECT_THAT(organizations_.find("\xff"), FailsWith(Errc::not_found));
  EXPECT_THAT(organizations_.find(4711), FailsWith(Errc::not_found));
  EXPECT_EQ(events(), before);
  EXPECT_EQ(roles_changed_, 0);
}

TEST_P(OrganizationsTest, OneOfTwoThatTakeANameAtOnceHasIt) {
  std::atomic<int> made{0};
  const auto make = [&](const Account& owner) {
    made += organizations_.create("acme", "", owner.id, some_origin()).has_value();
  };
  std::thread first([&] { make(alice_); });
  std::thread second([&] { make(bob_); });
  first.join();
  second.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(count("organizations"), 1);
}

TEST_P(OrganizationsTest, AreListedPageByPage) {
  for (const char* name : {"globex", "acme", "initech"}) organization(name, alice_);
  const auto names = [&](std::string_view after, std::size_t limit) {
    std::vector<std::string> all;
    for (const auto& each : organizations_.list(after, limit).value()) all.push_back(each.name);
    return all;
  };
  EXPECT_THAT(names("", 2), ElementsAre("acme", "globex"));
  EXPECT_THAT(names("globex", 2), ElementsAre("initech"));
  EXPECT_THAT(names("\xff", 2), ElementsAre());
}

TEST_P(OrganizationsTest, ChangeWhatMembersHaveAndHowTheyAreCalled) {
  const auto acme = organization("acme", alice_);
  ASSERT_THAT(organizations_.update(acme.id, "Acme \"Ltd\"", MemberAccess::reader, some_origin()),
              Succeeds());
  EXPECT_EQ(organizations_.find("acme")->display_name, "Acme \"Ltd\"");
  EXPECT_EQ(organizations_.find("acme")->member_access, MemberAccess::reader);
  EXPECT_EQ(installation_.last_event().detail, R"({"display_name":"Acme \"Ltd\"","member_role":"reader"})");
  const auto before = events();
  ASSERT_THAT(organizations_.update(acme.id, {}, MemberAccess::reader, some_origin()), Succeeds());
  EXPECT_EQ(events(), before);
  ASSERT_THAT(organizations_.update(acme.id, {}, MemberAccess::none, some_origin()), Succeeds());
  EXPECT_EQ(installation_.last_event().detail, R"({"member_role":"none"})");
  EXPECT_THAT(organizations_.update(acme.id, "\x1b", {}, some_origin()), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(organizations_.update(4711, {}, {}, some_origin()), FailsWith(Errc::not_found));
}

TEST_P(OrganizationsTest, TakeTheirRepositoriesAndRobotsToANewName) {
  const auto acme = organization("acme", alice_);
  const auto app = repository("acme/app");
  const auto deep = repository("acme/team/acme/app");
  const auto others = repository("bob/acme");
  const auto robot = robots_.create_for_organization(acme.id, "ci", "", {}, some_origin()).value();
  const auto helper = robots_.create_for_repository(app, "deploy", "", {}, some_origin()).value();
  installation_.write(
      "INSERT INTO repository_grants (repository_id, account_id, role) VALUES (?, ?, 'writer')",
      {app, bob_.id});
  ASSERT_THAT(installation_.accounts.find(robot.account.id), Succeeds());

  const int before = roles_changed_;
  ASSERT_THAT(organizations_.rename(acme.id, "globex", some_origin()), Succeeds());
  EXPECT_GT(roles_changed_, before);
  EXPECT_EQ(repository_name(app), "globex/app");
  EXPECT_EQ(repository_name(deep), "globex/team/acme/app");
  EXPECT_EQ(repository_name(others), "bob/acme");
  EXPECT_EQ(organizations_.find("globex")->id, acme.id);
  EXPECT_THAT(organizations_.find("acme"), FailsWith(Errc::not_found));
  EXPECT_EQ(robots_.find(robot.account.id)->account.name, "globex+ci");
  EXPECT_EQ(robots_.find(helper.account.id)->account.name, "globex+deploy");
  const auto peeked = installation_.accounts.peek(robot.account.id);
  EXPECT_TRUE(peeked == nullptr || peeked->name == "globex+ci");
  EXPECT_EQ(installation_.last_event(),
            (Recorded{"organization_renamed", "root-of-tests", "operator", "", "acme", "globex"}));
}

TEST_P(OrganizationsTest, LeaveNothingOldToWhoTakesTheirName) {
  const auto acme = organization("acme", alice_);
  const auto app = repository("acme/app");
  const auto robot = robots_.create_for_organization(acme.id, "ci", "", {}, some_origin()).value();
  installation_.write("INSERT INTO namespace_grants (namespace_id, account_id, role) VALUES (?, ?, 'writer')",
                      {namespace_of("acme"), carol_.id});
  ASSERT_THAT(organizations_.rename(acme.id, "globex", some_origin()), Succeeds());

  const auto taken = organization("acme", bob_);
  EXPECT_NE(taken.id, acme.id);
  EXPECT_NE(repository("acme/app"), app);
  EXPECT_EQ(members_.role(taken.id, alice_.id).value(), std::nullopt);
  EXPECT_EQ(integer("SELECT COUNT(*) FROM namespace_grants WHERE namespace_id = ?", {namespace_of("acme")}),
            0);
  EXPECT_EQ(integer("SELECT COUNT(*) FROM namespace_grants WHERE namespace_id = ?", {namespace_of("globex")}),
            1);
  const auto again = robots_.create_for_organization(taken.id, "ci", "", {}, some_origin());
  ASSERT_THAT(again, Succeeds());
  EXPECT_NE(again->account.id, robot.account.id);
}

TEST_P(OrganizationsTest, RefuseANewNameThatIsTakenOrTooLongForARepository) {
  const auto acme = organization("acme", alice_);
  const auto longest = repository("acme/" + std::string(250, 'a'));
  const auto before = events();
  for (const char* name : {"bob", "Acme", "v2", ""})
    EXPECT_TRUE(organizations_.rename(acme.id, name, some_origin()).has_error()) << name;
  EXPECT_THAT(organizations_.rename(acme.id, "acmes", some_origin()), FailsWith(Errc::name_invalid));
  EXPECT_THAT(organizations_.rename(4711, "globex", some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(organizations_.rename(acme.id, "acme", some_origin()), Succeeds());
  EXPECT_EQ(organizations_.find("acme")->id, acme.id);
  EXPECT_EQ(repository_name(longest).size(), 255u);
  EXPECT_EQ(events(), before);
}

TEST_P(OrganizationsTest, EndWithAllThatTheyHad) {
  const auto acme = organization("acme", alice_);
  join(acme, bob_);
  const auto parent = team(acme, "staff");
  const auto child = team(acme, "devs", parent.id);
  ASSERT_THAT(teams_.add_member(child.id, bob_.id, some_origin()), Succeeds());
  const auto robot = robots_.create_for_organization(acme.id, "ci", "", {}, some_origin()).value();
  ASSERT_THAT(
      invitations_.invite({acme.id, "carol", "", MemberRole::member, child.id}, alice_.id, some_origin()),
      Succeeds());
  const auto space = namespace_of("acme");
  const auto elsewhere = repository("bob/app");
  installation_.write("INSERT INTO namespace_grants (namespace_id, account_id, role) VALUES (?, ?, 'writer')",
                      {space, carol_.id});
  installation_.write(
      "INSERT INTO team_namespace_grants (team_id, namespace_id, role) VALUES (?, ?, 'writer')",
      {child.id, space});
  installation_.write(
      "INSERT INTO team_repository_grants (team_id, repository_id, role) VALUES (?, ?, 'writer')",
      {parent.id, elsewhere});
  installation_.write("INSERT INTO policies (organization_id) VALUES (?)", {acme.id});

  ASSERT_THAT(organizations_.remove(acme.id, some_origin()), Succeeds());
  EXPECT_EQ(installation_.last_event().action, "organization_deleted");
  for (const char* table :
       {"organizations", "organization_members", "teams", "team_members", "robots", "invitations",
        "namespace_grants", "team_namespace_grants", "team_repository_grants", "policies"})
    EXPECT_EQ(count(table), 0) << table;
  EXPECT_EQ(count("accounts"), 3) << "the people stay";
  EXPECT_THAT(installation_.accounts.find(robot.account.id), FailsWith(Errc::not_found));
  EXPECT_THAT(installation_.read("SELECT 1 FROM namespaces WHERE name = 'acme'"), ::testing::IsEmpty());
  EXPECT_THAT(organizations_.remove(acme.id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_GT(organization("acme", bob_).id, acme.id);
}

TEST_P(OrganizationsTest, StayWhileTheyHaveRepositories) {
  const auto acme = organization("acme", alice_);
  repository("acme/app");
  const auto before = events();
  const auto refused = organizations_.remove(acme.id, some_origin());
  ASSERT_THAT(refused, FailsWith(Errc::conflict));
  EXPECT_NE(refused.error().message.find("acme/app"), std::string::npos);
  EXPECT_EQ(members_.role(acme.id, alice_.id).value(), MemberRole::owner);
  EXPECT_EQ(events(), before);
}

INSTANTIATE_TEST_SUITE_P(Engines, OrganizationsTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

#include "identity/people/robots.h"

#include "identity/people/testing/directory_fixture.h"

namespace bulkhead::identity {
namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::ElementsAre;
using testing::Recorded;
using testing::some_origin;

class RobotsTest : public testing::DirectoryFixture {
 protected:
  Robot robot(std::string_view name) {
    return robots_.create_for_organization(acme_.id, name, "", alice_.id, some_origin()).value();
  }

  Organization acme_ = organization("acme", alice_);
};

TEST_P(RobotsTest, BelongToAnOrganization) {
  const auto ci =
      robots_.create_for_organization(acme_.id, "ci", "Builds, and pushes", alice_.id, some_origin());
  ASSERT_THAT(ci, Succeeds());
  EXPECT_EQ(ci->account.name, "acme+ci");
  EXPECT_EQ(ci->account.kind, AccountKind::robot);
  EXPECT_TRUE(ci->account.active());
  EXPECT_EQ(ci->organization_id, acme_.id);
  EXPECT_EQ(ci->repository_id, std::nullopt);
  EXPECT_EQ(ci->belongs_to, "acme");
  EXPECT_EQ(ci->description, "Builds, and pushes");
  EXPECT_EQ(ci->created_by, "alice");
  EXPECT_EQ(robots_.find("acme+ci")->account.id, ci->account.id);
  EXPECT_EQ(installation_.last_event(),
            (Recorded{"robot_created", "root-of-tests", "operator", "", "acme+ci", ""}));
  EXPECT_THAT(installation_.read("SELECT 1 FROM namespaces WHERE name = 'acme+ci'"), ::testing::IsEmpty());
}

TEST_P(RobotsTest, BelongToARepository) {
  const auto app = repository("acme/app");
  const auto deploy = robots_.create_for_repository(app, "deploy", "", {}, some_origin());
  ASSERT_THAT(deploy, Succeeds());
  EXPECT_EQ(deploy->account.name, "acme+deploy");
  EXPECT_EQ(deploy->repository_id, app);
  EXPECT_EQ(deploy->organization_id, std::nullopt);
  EXPECT_EQ(deploy->belongs_to, "acme/app");
  EXPECT_EQ(deploy->created_by, "");
  EXPECT_EQ(installation_.last_event().repository, "acme/app");

  installation_.write(
      "INSERT INTO repositories (namespace_id, name, visibility, created_at) SELECT id, 'debian', 'private', "
      "0 "
      "FROM namespaces WHERE name = ''");
  const auto official = integer("SELECT id FROM repositories WHERE name = 'debian'");
  EXPECT_EQ(robots_.create_for_repository(official, "ci", "", {}, some_origin())->account.name, "library+ci");
  EXPECT_THAT(robots_.create_for_repository(4711, "ci", "", {}, some_origin()),
              FailsWith(Errc::name_unknown));
}

TEST_P(RobotsTest, HaveNamesThatNobodyElseHas) {
  robot("ci");
  const auto app = repository("acme/app");
  const auto before = events();
  EXPECT_THAT(robots_.create_for_organization(acme_.id, "ci", "", {}, some_origin()),
              FailsWith(Errc::conflict));
  EXPECT_THAT(robots_.create_for_repository(app, "ci", "", {}, some_origin()), FailsWith(Errc::conflict));
  for (const char* name : {"", "CI", "a+b", "a/b", "-", "c\xd1\x96"})
    EXPECT_THAT(robots_.create_for_organization(acme_.id, name, "", {}, some_origin()),
                FailsWith(Errc::name_invalid))
        << name;
  EXPECT_THAT(robots_.create_for_organization(acme_.id, "cd", "a\nb", {}, some_origin()),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(robots_.create_for_organization(4711, "cd", "", {}, some_origin()), FailsWith(Errc::not_found));
  EXPECT_EQ(events(), before);
  EXPECT_THAT(installation_.accounts.create("acme+cd", Secret<>(std::string("correct horse battery")), false,
                                            some_origin()),
              FailsWith(Errc::name_invalid));
}

TEST_P(RobotsTest, AreLimitedInNumberInANamespace) {
  const auto app = repository("acme/app");
  const auto own = repository("alice/own");
  installation_.write(
      "INSERT INTO accounts (name, kind, state, password_hash, created_at) WITH RECURSIVE n (i) AS (SELECT 1 "
      "UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT 'acme+r' || CAST(i AS TEXT), 'robot', 'active', '', "
      "0 FROM n",
      {std::int64_t{998}});
  installation_.write(
      "INSERT INTO robots (account_id, organization_id, description) SELECT id, CAST(? AS BIGINT), '' FROM "
      "accounts WHERE kind = 'robot'",
      {acme_.id});
  ASSERT_THAT(robots_.create_for_repository(app, "build", "", {}, some_origin()), Succeeds());
  const auto last = robots_.create_for_organization(acme_.id, "last", "", {}, some_origin());
  ASSERT_THAT(last, Succeeds());
  const auto before = events();
  EXPECT_THAT(robots_.create_for_organization(acme_.id, "more", "", {}, some_origin()),
              FailsWith(Errc::conflict));
  EXPECT_THAT(robots_.create_for_repository(app, "more", "", {}, some_origin()), FailsWith(Errc::conflict));
  EXPECT_EQ(events(), before);
  EXPECT_THAT(robots_.create_for_repository(own, "more", "", {}, some_origin()), Succeeds())
      << "another namespace";
  ASSERT_THAT(robots_.remove(last->account.id, some_origin()), Succeeds());
  EXPECT_THAT(robots_.create_for_repository(app, "more", "", {}, some_origin()), Succeeds());
}

TEST_P(RobotsTest, AreListedWhereTheyBelong) {
  robot("b");
  robot("a");
  const auto app = repository("acme/app");
  ASSERT_THAT(robots_.create_for_repository(app, "c", "", {}, some_origin()), Succeeds());
  const auto names = [](const Result<std::vector<Robot>>& robots) {
    std::vector<std::string> all;
    for (const Robot& each : *robots) all.push_back(each.account.name);
    return all;
  };
  EXPECT_THAT(names(robots_.of_organization(acme_.id, "", 9)), ElementsAre("acme+a", "acme+b"));
  EXPECT_THAT(names(robots_.of_organization(acme_.id, "acme+a", 9)), ElementsAre("acme+b"));
  EXPECT_THAT(names(robots_.of_organization(acme_.id, "", 1)), ElementsAre("acme+a"));
  EXPECT_THAT(names(robots_.of_repository(app, "", 9)), ElementsAre("acme+c"));
  EXPECT_THAT(robots_.find(alice_.id), FailsWith(Errc::not_found)) << "a person";
  EXPECT_THAT(robots_.find("alice"), FailsWith(Errc::not_found));
  EXPECT_THAT(robots_.find("\xff"), FailsWith(Errc::not_found));
}

TEST_P(RobotsTest, AreDisabledAndEnabled) {
  const auto ci = robot("ci");
  ASSERT_THAT(installation_.accounts.find(ci.account.id), Succeeds());
  ASSERT_THAT(robots_.set_enabled(ci.account.id, false, Accounts::Lock::stays, some_origin()), Succeeds());
  const auto disabled = installation_.accounts.find(ci.account.id).value();
  EXPECT_FALSE(disabled.active());
  EXPECT_EQ(disabled.credential_version, ci.account.credential_version + 1);
  EXPECT_EQ(installation_.last_event().action, "account_disabled");
  ASSERT_THAT(robots_.set_enabled(ci.account.id, true, Accounts::Lock::stays, some_origin()), Succeeds());
  EXPECT_TRUE(installation_.accounts.find(ci.account.id)->active());
  EXPECT_THAT(robots_.set_enabled(alice_.id, false, Accounts::Lock::stays, some_origin()),
              FailsWith(Errc::not_found));
  EXPECT_TRUE(installation_.accounts.find("alice")->active());
}

TEST_P(RobotsTest, EndWithTheirTokensTrustsAndGrants) {
  const auto ci = robot("ci");
  const auto app = repository("acme/app");
  installation_.write(
      "INSERT INTO repository_grants (repository_id, account_id, role) VALUES (?, ?, 'writer')",
      {app, ci.account.id});
  installation_.write(
      "INSERT INTO access_tokens (account_id, name, hash, created_at, expires_at) VALUES (?, '', 'a', 0, 0)",
      {ci.account.id});
  installation_.write(
      "INSERT INTO workload_trusts (robot_id, name, issuer, audience, claims, lifetime_seconds, created_at) "
      "VALUES (?, '', '', '', '', 60, 0)",
      {ci.account.id});
  ASSERT_THAT(installation_.accounts.find(ci.account.id), Succeeds());
  const int before = roles_changed_;
  ASSERT_THAT(robots_.remove(ci.account.id, some_origin()), Succeeds());
  EXPECT_GT(roles_changed_, before);
  EXPECT_EQ(installation_.last_event(),
            (Recorded{"robot_deleted", "root-of-tests", "operator", "", "acme+ci", ""}));
  EXPECT_EQ(count("repository_grants") + count("access_tokens") + count("workload_trusts") + count("robots"),
            0);
  EXPECT_EQ(installation_.accounts.peek(ci.account.id), nullptr);
  EXPECT_THAT(robots_.find("acme+ci"), FailsWith(Errc::not_found));
  EXPECT_THAT(robots_.remove(ci.account.id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(robots_.remove(alice_.id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_NE(robot("ci").account.id, ci.account.id);
}

INSTANTIATE_TEST_SUITE_P(Engines, RobotsTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

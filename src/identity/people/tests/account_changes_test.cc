#include "identity/people/account_changes.h"

#include <fmt/format.h>

#include <set>

#include "identity/people/testing/directory_fixture.h"

namespace bulkhead::identity {
namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::ElementsAre;
using testing::Recorded;
using testing::some_origin;

using AccountChangesTest = testing::DirectoryFixture;

TEST_P(AccountChangesTest, RenameTheNamespaceAndWhatIsInItAndNothingElse) {
  const auto app = repository("alice/app", alice_.id, "alice");
  const auto robot = robots_.create_for_repository(app, "ci", "", alice_.id, some_origin()).value();
  const auto other = repository("bob/alice");
  ASSERT_THAT(installation_.accounts.find(alice_.id), Succeeds());
  const int before = roles_changed_;
  ASSERT_THAT(account_changes_.rename(alice_.id, "alicia", some_origin()), Succeeds());
  EXPECT_GT(roles_changed_, before);
  EXPECT_EQ(installation_.accounts.find("alicia")->id, alice_.id);
  EXPECT_EQ(installation_.accounts.find(alice_.id)->name, "alicia") << "memory has forgotten the old name";
  EXPECT_THAT(installation_.accounts.find("alice"), FailsWith(Errc::not_found));
  EXPECT_EQ(repository_name(app), "alicia/app");
  EXPECT_EQ(installation_.read("SELECT contact FROM repositories WHERE id = ?", {app}).at(0).text(0),
            "alicia");
  EXPECT_EQ(repository_name(other), "bob/alice");
  EXPECT_EQ(robots_.find(robot.account.id)->account.name, "alicia+ci");
  EXPECT_EQ(installation_.last_event(),
            (Recorded{"account_renamed", "root-of-tests", "operator", "", "alice", "alicia"}));
}

TEST_P(AccountChangesTest, LeaveNothingOldToWhoTakesTheName) {
  const auto app = repository("alice/app", alice_.id);
  installation_.write(
      "INSERT INTO repository_grants (repository_id, account_id, role) VALUES (?, ?, 'writer')",
      {app, bob_.id});
  ASSERT_THAT(account_changes_.rename(alice_.id, "alicia", some_origin()), Succeeds());
  const auto taker = installation_.add_account("alice");
  EXPECT_NE(taker.id, alice_.id);
  EXPECT_EQ(integer("SELECT owner_id FROM namespaces WHERE name = 'alice'"), taker.id);
  const auto again = repository("alice/app", taker.id);
  EXPECT_NE(again, app);
  EXPECT_EQ(integer("SELECT COUNT(*) FROM repository_grants WHERE repository_id = ?", {again}), 0);
}

TEST_P(AccountChangesTest, RefuseBadAndTakenNames) {
  organization("acme", bob_);
  const auto before = events();
  for (const char* name : {"bob", "acme"})
    EXPECT_THAT(account_changes_.rename(alice_.id, name, some_origin()), FailsWith(Errc::conflict)) << name;
  for (const char* name : {"Bob", "token", "b", "acme+x"})
    EXPECT_THAT(account_changes_.rename(alice_.id, name, some_origin()), FailsWith(Errc::name_invalid))
        << name;
  EXPECT_THAT(account_changes_.rename(4711, "dave", some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(account_changes_.rename(alice_.id, "alice", some_origin()), Succeeds());
  EXPECT_EQ(events(), before);
}

TEST_P(AccountChangesTest, RefuseToRenameOrRemoveARobotAsAPerson) {
  const auto acme = organization("acme", alice_);
  const auto robot = robots_.create_for_organization(acme.id, "ci", "", {}, some_origin()).value();
  EXPECT_THAT(account_changes_.rename(robot.account.id, "dave", some_origin()),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(account_changes_.remove(robot.account.id, some_origin()), FailsWith(Errc::invalid_argument));
}

TEST_P(AccountChangesTest, KeepWhoIsStillNeeded) {
  const auto before_any = installation_.add_account("root", true);
  const auto acme = organization("acme", alice_);
  repository("bob/app");
  repository("acme/app", carol_.id);
  const auto before = events();
  EXPECT_THAT(account_changes_.remove(before_any.id, some_origin()), FailsWith(Errc::conflict))
      << "administrator";
  EXPECT_THAT(account_changes_.remove(alice_.id, some_origin()), FailsWith(Errc::conflict)) << "last owner";
  EXPECT_THAT(account_changes_.remove(bob_.id, some_origin()), FailsWith(Errc::conflict))
      << "has a repository";
  EXPECT_THAT(account_changes_.remove(carol_.id, some_origin()), FailsWith(Errc::conflict))
      << "owns a repository";
  EXPECT_THAT(account_changes_.remove(4711, some_origin()), FailsWith(Errc::not_found));
  EXPECT_EQ(events(), before);
  EXPECT_EQ(count("accounts"), 4);
  join(acme, bob_, MemberRole::owner);
  EXPECT_THAT(account_changes_.remove(alice_.id, some_origin()), Succeeds());
}

// One row of everything that can refer to an account does, and none stands in the way or stays.
TEST_P(AccountChangesTest, RemoveLeavesNothingBehind) {
  const auto acme = organization("acme", alice_);
  join(acme, bob_);
  const auto devs = team(acme, "devs");
  ASSERT_THAT(teams_.add_member(devs.id, bob_.id, some_origin()), Succeeds());
  const auto robot = robots_.create_for_organization(acme.id, "ci", "", bob_.id, some_origin()).value();
  const auto app = repository("acme/app");
  for (const std::string_view sql : {
           "INSERT INTO namespace_grants VALUES ({acme}, {bob}, 'writer')",
           "INSERT INTO namespace_grants VALUES ({space}, {carol}, 'writer')",
           "INSERT INTO repository_grants VALUES ({app}, {bob}, 'writer')",
           "INSERT INTO team_namespace_grants VALUES ({devs}, {space}, 'reader')",
           "INSERT INTO invitations (organization_id, account_id, email, role, hash, invited_by, created_at, "
           "expires_at) VALUES ({organization}, {bob}, '', 'member', 'a', {alice}, 0, 0)",
           "INSERT INTO invitations (organization_id, email, role, hash, invited_by, created_at, expires_at) "
           "VALUES ({organization}, 'x@example.com', 'member', 'b', {bob}, 0, 0)",
           "INSERT INTO access_tokens (account_id, name, hash, created_at, created_by, expires_at) "
           "VALUES ({bob}, '', 'a', 0, {bob}, 0)",
           "INSERT INTO access_tokens (account_id, name, hash, created_at, expires_at, successor_id) "
           "SELECT {bob}, '', 'b', 0, 0, MAX(id) FROM access_tokens",
           "INSERT INTO access_token_scopes (token_id, position, actions) "
           "SELECT MIN(id), 0, 'pull' FROM access_tokens",
           "INSERT INTO access_tokens (account_id, name, hash, created_at, created_by, expires_at) "
           "VALUES ({robot}, 'kept', 'c', 0, {bob}, 0)",
           "INSERT INTO access_token_scopes (token_id, position, namespace_id, actions) "
           "SELECT MAX(id), 0, {space}, 'pull' FROM access_tokens",
           "INSERT INTO sessions (account_id, hash, client, address, credential_version, multi_factor, "
           "created_at, proved_at, expires_at) VALUES ({bob}, 'a', '', '', 1, 0, 0, 0, 0)",
           "INSERT INTO login_networks (subject, account_id, network, seen_at) VALUES ('bob', {bob}, '', 0)",
           "INSERT INTO totp (account_id, sealed) VALUES ({bob}, '')",
           "INSERT INTO recovery_codes (account_id, hash) VALUES ({bob}, '')",
           "INSERT INTO webauthn_credentials (account_id, name, credential_id, public_key, aaguid, "
           "sign_count, "
           "created_at) VALUES ({bob}, '', '', '', '', 0, 0)",
           "INSERT INTO webauthn_challenges (hash, account_id, purpose, expires_at) "
           "VALUES ('', {bob}, 'assertion', 0)",
           "INSERT INTO workload_trusts (robot_id, name, issuer, audience, claims, lifetime_seconds, "
           "created_at) "
           "VALUES ({bob}, '', '', '', '', 60, 0)",
           "INSERT INTO workload_trust_scopes (trust_id, position, actions) "
           "SELECT id, 0, 'pull' FROM workload_trusts",
           "INSERT INTO login_providers (name, kind, settings, sealed, created_at) "
           "VALUES ('sso', 'oidc', '', '', 0)",
           "INSERT INTO external_identities (provider_id, subject, account_id, last_seen_at) "
           "SELECT id, 's', {bob}, 0 FROM login_providers",
           "INSERT INTO login_requests (provider_id, stage, sealed, account_id, client, address, network, "
           "created_at, expires_at) SELECT id, 'approved', '', {bob}, '', '', '', 0, 0 FROM login_providers",
           "INSERT INTO idempotency_keys VALUES ({bob}, '', '', '', 0)",
       })
    installation_.write(fmt::format(fmt::runtime(sql), fmt::arg("alice", alice_.id), fmt::arg("bob", bob_.id),
                                    fmt::arg("carol", carol_.id), fmt::arg("robot", robot.account.id),
                                    fmt::arg("organization", acme.id), fmt::arg("devs", devs.id),
                                    fmt::arg("app", app), fmt::arg("acme", namespace_of("acme")),
                                    fmt::arg("space", namespace_of("bob"))));

  ASSERT_THAT(account_changes_.remove(bob_.id, some_origin()), Succeeds());
  EXPECT_EQ(installation_.last_event(),
            (Recorded{"account_deleted", "root-of-tests", "operator", "", "bob", ""}));
  EXPECT_THAT(installation_.accounts.find("bob"), FailsWith(Errc::not_found));
  for (const char* table :
       {"namespace_grants", "repository_grants", "team_namespace_grants", "team_members", "invitations",
        "access_token_scopes", "sessions", "login_networks", "totp", "recovery_codes", "webauthn_credentials",
        "webauthn_challenges", "workload_trusts", "workload_trust_scopes", "external_identities",
        "login_requests", "idempotency_keys"})
    EXPECT_EQ(count(table), 0) << table;
  EXPECT_EQ(count("access_tokens"), 1) << "the robot's, which bob made";
  EXPECT_EQ(robots_.find(robot.account.id)->created_by, "");
  EXPECT_THAT(installation_.read("SELECT 1 FROM namespaces WHERE name = 'bob'"), ::testing::IsEmpty());
  EXPECT_NE(installation_.add_account("bob").id, bob_.id);
}

// A table that comes to refer to accounts or namespaces must be thought of in removal.cc, and in the test
// above.
TEST(AccountReferences, AreAllKnown) {
  testing::Installation installation(Engine::sqlite);
  const auto referring = [&](const std::string& to) {
    std::set<std::string> all;
    for (const db::Row& row : installation.read("SELECT m.name, f.\"from\" FROM sqlite_master m JOIN "
                                                "pragma_foreign_key_list(m.name) f WHERE m.type = "
                                                "'table' AND f.\"table\" = ?",
                                                {to}))
      all.insert(row.text(0) + "." + row.text(1));
    return all;
  };
  EXPECT_THAT(
      referring("accounts"),
      ElementsAre("access_tokens.account_id", "access_tokens.created_by", "external_identities.account_id",
                  "idempotency_keys.account_id", "invitations.account_id", "invitations.invited_by",
                  "login_networks.account_id", "login_requests.account_id", "namespace_grants.account_id",
                  "namespaces.owner_id", "organization_members.account_id", "recovery_codes.account_id",
                  "repositories.owner_id", "repository_grants.account_id", "robots.account_id",
                  "robots.created_by", "sessions.account_id", "team_members.account_id", "totp.account_id",
                  "webauthn_challenges.account_id", "webauthn_credentials.account_id",
                  "workload_trusts.robot_id"));
  EXPECT_THAT(referring("namespaces"),
              ElementsAre("access_token_scopes.namespace_id", "namespace_grants.namespace_id",
                          "quota_reservations.namespace_id", "repositories.namespace_id",
                          "team_namespace_grants.namespace_id", "workload_trust_scopes.namespace_id"));
  EXPECT_THAT(
      referring("organizations"),
      ElementsAre("invitations.organization_id", "namespaces.organization_id",
                  "organization_members.organization_id", "robots.organization_id", "teams.organization_id"));
  EXPECT_THAT(referring("teams"), ElementsAre("group_mappings.team_id", "invitations.team_id",
                                              "team_members.team_id", "team_namespace_grants.team_id",
                                              "team_repository_grants.team_id", "teams.parent_id"));
}

INSTANTIATE_TEST_SUITE_P(Engines, AccountChangesTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

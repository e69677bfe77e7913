// What goes with a repository to its new name, and what does not stay with the old one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "access/tests/facts_fixture.h"
#include "access/tokens.h"
#include "identity/people/account_changes.h"
#include "identity/people/organizations.h"

namespace bulkhead::access {
namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::IsEmpty;
using testing::some_origin;

class RenameTest : public testing::FactsFixture {
 protected:
  RenameTest() : id_(make("alice/app")) {}

  Result<void> rename(std::string_view from, std::string_view to) {
    return facts_.rename(repository(from), repository(to), Robots::come_along, some_origin());
  }
  void fill(std::int64_t repository_id, std::string_view digest, std::int64_t size) {
    installation_.write(
        "INSERT INTO blobs (digest, size, created_at) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
        {std::string(digest), size});
    installation_.write("INSERT INTO repository_blobs (repository_id, digest, created_at) VALUES (?, ?, 0)",
                        {repository_id, std::string(digest)});
    installation_.write("UPDATE repositories SET used_bytes = used_bytes + ? WHERE id = ?",
                        {size, repository_id});
    installation_.write(
        "UPDATE namespaces SET used_bytes = used_bytes + ? WHERE id = (SELECT namespace_id FROM repositories "
        "WHERE id = ?)",
        {size, repository_id});
  }
  std::int64_t used(std::string_view space) {
    return installation_.read("SELECT used_bytes FROM namespaces WHERE name = ?", {std::string(space)})
        .at(0)
        .integer(0);
  }
  std::int64_t id(std::string_view name) {
    return facts_.resolve(alice_, repository(name)).value().repository->id;
  }

  std::int64_t id_;
};

TEST_P(RenameTest, GivesTheSameRepositoryAnotherName) {
  EXPECT_EQ(id("alice/app"), id_);
  EXPECT_FALSE(standing(alice_, "alice/new").exists);
  ASSERT_THAT(rename("alice/app", "alice/new"), Succeeds());
  EXPECT_FALSE(standing(alice_, "alice/app").exists);
  EXPECT_EQ(id("alice/new"), id_);
  EXPECT_EQ(installation_.last_event(),
            (identity::testing::Recorded{"repository_renamed", "root-of-tests", "operator", "alice/app",
                                         "alice/new", ""}));
  ASSERT_THAT(rename("alice/new", "alice/app"), Succeeds());
  EXPECT_EQ(id("alice/app"), id_);
}

TEST_P(RenameTest, TakesGrantsAlongAndLeavesNoneBehind) {
  organization("acme");
  join(team("acme", "devs"), bob_);
  const Principal carol = account("carol");
  grant("carol", Role::maintainer, "alice/app");
  grant("team:acme/devs", Role::writer, "alice/app");
  EXPECT_EQ(role(carol, "alice/app"), Role::maintainer);
  EXPECT_EQ(role(bob_, "alice/app"), Role::writer);
  ASSERT_THAT(rename("alice/app", "alice/new"), Succeeds());
  EXPECT_EQ(role(carol, "alice/new"), Role::maintainer);
  EXPECT_EQ(role(bob_, "alice/new"), Role::writer);

  // Another repository under the old name is another repository.
  EXPECT_NE(make("alice/app"), id_);
  EXPECT_EQ(role(carol, "alice/app"), Role::none);
  EXPECT_EQ(role(bob_, "alice/app"), Role::none);
  revoke("carol", "alice/new");
  EXPECT_EQ(role(carol, "alice/new"), Role::none);
}

TEST_P(RenameTest, BearerTokensOfTheOldNameReachNothingByIt) {
  identity::Policies policies(*installation_.database, installation_.clock, 1000);
  identity::AccessTokens access_tokens(*installation_.database, installation_.keyring, installation_.accounts,
                                       policies, installation_.clock, {});
  Tokens tokens(installation_.keyring, installation_.accounts, access_tokens, policies, facts_,
                installation_.clock, {});
  grant("bob", Role::writer, "alice/app");
  const auto issued = tokens.issue(bob_, parse_scopes({"repository:alice/app:pull,push"}, 1));
  ASSERT_THAT(issued, Succeeds());
  const auto may = [&](std::string_view name, Action action) {
    const auto bearer = tokens.verify(issued->token, "192.0.2.1").value();
    return bearer->covers(name, action) &&
           decide(bearer->principal, action, standing(bearer->principal, name));
  };
  EXPECT_TRUE(may("alice/app", Action::push));
  ASSERT_THAT(rename("alice/app", "alice/new"), Succeeds());
  EXPECT_FALSE(may("alice/app", Action::pull));
  EXPECT_FALSE(may("alice/new", Action::pull)) << "the token does not name it";
  make("alice/app");
  EXPECT_FALSE(may("alice/app", Action::pull));
  EXPECT_FALSE(may("alice/app", Action::push));
  grant("bob", Role::reader, "alice/app");
  EXPECT_TRUE(may("alice/app", Action::pull)) << "no more than the role that the account has now";
  EXPECT_FALSE(may("alice/app", Action::push));
}

// Whatever the namespace belongs to: bearer tokens hold names, and the next request is decided by what the
// name means then.
TEST_P(RenameTest, BearerTokensReachNothingNewInANamespaceOfAnOldName) {
  identity::Policies policies(*installation_.database, installation_.clock, 1000);
  identity::AccessTokens access_tokens(*installation_.database, installation_.keyring, installation_.accounts,
                                       policies, installation_.clock, {});
  Tokens tokens(installation_.keyring, installation_.accounts, access_tokens, policies, facts_,
                installation_.clock, {});
  const identity::Directory directory(*installation_.database, installation_.accounts, installation_.clock,
                                      [this] { facts_.forget_roles(); });
  identity::Organizations organizations(directory);
  identity::AccountChanges accounts(directory);
  const Principal carol = account("carol");
  organization("acme");
  member("acme", carol, "owner");
  const auto app = make("acme/app", carol);
  const auto own = make("alice/own", alice_);
  for (const char* target : {"acme/app", "acme/", "alice/own", "alice/"})
    grant("bob", Role::maintainer, target);

  const std::vector<std::string> wanted = {"repository:acme/app:*", "repository:acme/next:*",
                                           "repository:alice/own:*", "repository:alice/next:*",
                                           "registry:catalog:*"};
  identity::NewAccessToken narrow;
  narrow.account_id = bob_.account_id;
  narrow.name = "narrow";
  constexpr identity::TokenActions kAll{true, true, true};
  narrow.scopes = identity::TokenScopes({{id_of("namespaces", "acme"), 0, kAll},
                                         {0, app, kAll},
                                         {id_of("namespaces", "alice"), 0, kAll},
                                         {0, own, kAll}});
  Principal with_token = bob_;
  const auto made = access_tokens.create(narrow, some_origin()).value().token;
  with_token.token_id = made.id;
  with_token.ceiling = made.scopes;
  const std::string by_password = tokens.issue(bob_, parse_scopes(wanted, 9)).value().token;
  const std::string by_token = tokens.issue(with_token, parse_scopes(wanted, 9)).value().token;

  // By memory where it knows, as a request would be; a mount's source is decided on as a pull is.
  const auto may = [&](const std::string& token, std::string_view name, Action action) {
    const auto bearer = tokens.verify(token, "192.0.2.1").value();
    auto resolved = facts_.peek(bearer->principal, repository(name));
    if (!resolved) resolved = facts_.resolve(bearer->principal, repository(name)).value();
    return bearer->covers(name, action) && decide(bearer->principal, action, resolved->standing);
  };
  const auto reaches = [&](std::string_view name) {
    int ways = 0;
    for (const std::string& token : {by_password, by_token})
      for (const Action action : {Action::pull, Action::push, Action::remove})
        ways += may(token, name, action);
    return ways;
  };
  for (const char* name : {"acme/app", "acme/next", "alice/own", "alice/next"}) EXPECT_EQ(reaches(name), 6);

  ASSERT_THAT(organizations.rename(id_of("organizations", "acme"), "former", some_origin()), Succeeds());
  ASSERT_THAT(accounts.rename(alice_.account_id, "alicia", some_origin()), Succeeds());
  for (const char* name : {"acme/app", "acme/next", "alice/own", "alice/next"})
    EXPECT_EQ(reaches(name), 0) << name << ", of nobody";
  for (const char* name : {"former/app", "alicia/own"}) EXPECT_EQ(reaches(name), 0) << "is named in neither";

  ASSERT_THAT(organizations.create("acme", "", carol.account_id, some_origin()), Succeeds());
  const Principal successor = account("alice");
  for (const char* name : {"acme/app", "acme/next"}) make(name, carol);
  for (const char* name : {"alice/own", "alice/next"}) make(name, successor);
  for (const char* name : {"acme/app", "acme/next", "alice/own", "alice/next"})
    EXPECT_EQ(reaches(name), 0) << name << ", of somebody else";
  const auto bearer = tokens.verify(by_password, "192.0.2.1").value();
  EXPECT_EQ(facts_.catalog(bearer->principal, "", 100).value(),
            (std::vector<std::string>{"alicia/app", "alicia/own", "former/app"}))
      << "what bob may pull, by its names of now";

  grant("bob", Role::reader, "acme/app");
  EXPECT_TRUE(may(by_password, "acme/app", Action::pull)) << "as its account's roles are now";
  EXPECT_FALSE(may(by_password, "acme/app", Action::push));
  EXPECT_FALSE(may(by_token, "acme/app", Action::pull)) << "the access token is bound to the first one";
}

TEST_P(RenameTest, MovesIntoAnotherNamespaceAndItsRoles) {
  grant("bob", Role::writer, "alice/");
  EXPECT_EQ(role(bob_, "alice/app"), Role::writer);
  organization("acme", "reader");
  const Principal carol = account("carol");
  member("acme", carol, "owner");
  const Principal dave = account("dave");
  member("acme", dave);
  ASSERT_THAT(rename("alice/app", "acme/app"), Succeeds());
  EXPECT_EQ(role(bob_, "acme/app"), Role::none) << "the grant was on the namespace that it left";
  EXPECT_EQ(role(dave, "acme/app"), Role::reader);
  EXPECT_EQ(role(carol, "acme/app"), Role::owner);
}

TEST_P(RenameTest, PutsTheNewNamespacesOwnerInThePlaceOfOneWhoHasNoRoleThere) {
  EXPECT_EQ(role(alice_, "alice/app"), Role::owner);
  ASSERT_THAT(rename("alice/app", "bob/app"), Succeeds());
  const auto details = facts_.details(repository("bob/app")).value();
  EXPECT_EQ(details.owner, "bob");
  EXPECT_EQ(details.contact, "bob");
  EXPECT_EQ(installation_.last_event(),
            (identity::testing::Recorded{"repository_owner_changed", "root-of-tests", "operator", "bob/app",
                                         "bob", "alice"}));
  EXPECT_EQ(role(alice_, "bob/app"), Role::none);
  EXPECT_EQ(role(bob_, "bob/app"), Role::owner);
}

TEST_P(RenameTest, TakesAnAppointedOwnerAlong) {
  ASSERT_THAT(facts_.change(repository("alice/app"), {.owner = "alice"}, {}, some_origin()), Succeeds());
  ASSERT_THAT(rename("alice/app", "bob/app"), Succeeds());
  EXPECT_EQ(facts_.details(repository("bob/app"))->owner, "alice");
  EXPECT_EQ(role(alice_, "bob/app"), Role::owner);
}

TEST_P(RenameTest, TakesItsBytesAlongWithinTheQuota) {
  fill(id_, "sha256:aa", 100);
  fill(id_, "sha256:bb", 20);
  fill(make("alice/other"), "sha256:aa", 100);
  fill(make("bob/own"), "sha256:bb", 20);
  ASSERT_EQ(used("alice"), 220);
  ASSERT_THAT(facts_.set_quota("bob", 139, some_origin()), Succeeds());
  const auto events = installation_.events().size();
  EXPECT_THAT(rename("alice/app", "bob/app"), FailsWith(Errc::quota_exceeded));
  EXPECT_EQ(used("alice"), 220);
  EXPECT_EQ(used("bob"), 20);
  EXPECT_EQ(installation_.events().size(), events);
  EXPECT_TRUE(standing(alice_, "alice/app").exists);

  ASSERT_THAT(facts_.set_quota("bob", 140, some_origin()), Succeeds());
  ASSERT_THAT(rename("alice/app", "bob/app"), Succeeds());
  EXPECT_EQ(used("alice"), 100);
  EXPECT_EQ(used("bob"), 140);
  ASSERT_THAT(facts_.remove(repository("bob/app"), some_origin()), Succeeds());
  EXPECT_EQ(used("bob"), 20);
}

TEST_P(RenameTest, RefusesNamesThatAreTakenOrNobodys) {
  make("alice/other");
  const auto events = installation_.events().size();
  EXPECT_THAT(rename("alice/app", "alice/other"), FailsWith(Errc::conflict));
  EXPECT_THAT(rename("alice/app", "nobody-here/app"), FailsWith(Errc::name_unknown));
  EXPECT_THAT(rename("alice/absent", "alice/new"), FailsWith(Errc::name_unknown));
  EXPECT_THAT(rename("alice/absent", "alice/absent"), FailsWith(Errc::name_unknown));
  EXPECT_THAT(rename("alice/app", "alice/app"), Succeeds());
  EXPECT_EQ(installation_.events().size(), events);
}

TEST_P(RenameTest, MakesAnOfficialImageAndBack) {
  ASSERT_THAT(rename("alice/app", "app"), Succeeds());
  EXPECT_EQ(role(admin_, "app"), Role::owner);
  EXPECT_EQ(role(alice_, "app"), Role::none);
  EXPECT_EQ(facts_.details(repository("app"))->owner, "admin");
  ASSERT_THAT(rename("app", "alice/app"), Succeeds());
  EXPECT_EQ(role(admin_, "alice/app"), Role::none);
  EXPECT_EQ(facts_.details(repository("alice/app"))->owner, "alice");
}

TEST_P(RenameTest, TakesItsRobotsAlong) {
  const Principal bot = robot("alice+bot", "", id_);
  grant("alice+bot", Role::writer, "alice/app");
  ASSERT_THAT(rename("alice/app", "bob/app"), Succeeds());
  EXPECT_EQ(role(bot, "bob/app"), Role::writer);
  make("alice/app");
  EXPECT_EQ(role(bot, "alice/app"), Role::none);
  EXPECT_THAT(facts_.grant({false, "bob+bot"}, Role::reader, {false, "alice/app"}, some_origin()),
              FailsWith(Errc::invalid_argument));
}

TEST_P(RenameTest, NamesItsRobotsAfterTheNewNamespace) {
  const auto named = [&](const Principal& bot) {
    const auto known = installation_.accounts.peek(bot.account_id);
    return known ? known->name : installation_.accounts.find(bot.account_id)->name;
  };
  const Principal bot = robot("alice+bot", "", id_);
  const Principal other = robot("alice+other", "", make("alice/other"));
  ASSERT_EQ(named(bot), "alice+bot");
  ASSERT_THAT(rename("alice/app", "alice/new"), Succeeds());
  EXPECT_EQ(named(bot), "alice+bot") << "the namespace is the same";
  const auto events = installation_.events().size();
  ASSERT_THAT(rename("alice/new", "bob/app"), Succeeds());
  EXPECT_EQ(named(bot), "bob+bot") << "memory has forgotten the old name";
  EXPECT_EQ(named(other), "alice+other");
  EXPECT_EQ(installation_.events().at(events + 1),
            (identity::testing::Recorded{"account_renamed", "root-of-tests", "operator", "bob/app",
                                         "alice+bot", "bob+bot"}));
  ASSERT_THAT(rename("bob/app", "official"), Succeeds());
  EXPECT_EQ(named(bot), "library+bot");
  ASSERT_THAT(rename("official", "alice/app"), Succeeds());
  EXPECT_EQ(named(bot), "alice+bot");
}

TEST_P(RenameTest, RefusesWhereARobotOfTheNameIs) {
  const Principal first = robot("alice+another", "", id_);
  robot("alice+bot", "", id_);
  robot("bob+bot", "", make("bob/other"));
  const auto events = installation_.events().size();
  const auto refused = rename("alice/app", "bob/app");
  ASSERT_THAT(refused, FailsWith(Errc::conflict));
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("bob+bot"));
  EXPECT_EQ(installation_.accounts.find(first.account_id)->name, "alice+another");
  EXPECT_TRUE(standing(alice_, "alice/app").exists);
  EXPECT_FALSE(standing(bob_, "bob/app").exists);
  EXPECT_EQ(installation_.events().size(), events);
}

TEST_P(RenameTest, RemovalLeavesNeitherTeamGrantsNorScopesBehind) {
  organization("acme");
  team("acme", "devs");
  grant("team:acme/devs", Role::writer, "alice/app");
  installation_.write(
      "INSERT INTO access_tokens (account_id, name, hash, created_at, expires_at) VALUES (?, 't', 'h', 0, 1)",
      {alice_.account_id});
  installation_.write(
      "INSERT INTO access_token_scopes (token_id, position, repository_id, actions) "
      "SELECT id, 0, CAST(? AS BIGINT), 'pull' FROM access_tokens",
      {id_});
  const Principal ci = robot("acme+ci", "acme");
  installation_.write(
      "INSERT INTO workload_trusts (robot_id, name, issuer, audience, claims, lifetime_seconds, created_at) "
      "VALUES (?, 't', 'i', 'a', '{}', 60, 0)",
      {ci.account_id});
  installation_.write(
      "INSERT INTO workload_trust_scopes (trust_id, position, repository_id, actions) "
      "SELECT id, 0, CAST(? AS BIGINT), 'pull' FROM workload_trusts",
      {id_});
  ASSERT_THAT(facts_.remove(repository("alice/app"), some_origin()), Succeeds());
  EXPECT_THAT(installation_.read("SELECT 1 FROM team_repository_grants"), IsEmpty());
  EXPECT_EQ(installation_.read("SELECT 1 FROM access_tokens").size(), 1u) << "it may pull nothing, and lives";
}

TEST_P(RenameTest, RemovalWaitsForTheRepositorysRobotsToGo) {
  robot("alice+bot", "", id_);
  const auto refused = facts_.remove(repository("alice/app"), some_origin());
  ASSERT_THAT(refused, FailsWith(Errc::conflict));
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("alice+bot"));
  EXPECT_TRUE(standing(alice_, "alice/app").exists);
}

INSTANTIATE_TEST_SUITE_P(Engines, RenameTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::access

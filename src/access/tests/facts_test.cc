#include "access/facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>

#include "access/tests/facts_fixture.h"

namespace bulkhead::access {
namespace {

using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::IsEmpty;
using testing::some_origin;

using FactsTest = testing::FactsFixture;

TEST_P(FactsTest, CreatesARepositoryPrivateOnceAndWithEvidence) {
  const auto created = facts_.ensure(repository("alice/app"), {}, some_origin());
  ASSERT_THAT(created, Succeeds());
  EXPECT_EQ((*created)->visibility, Visibility::private_);
  EXPECT_EQ((*created)->name.render(), "alice/app");
  EXPECT_EQ((*created)->immutable_tags, "");
  EXPECT_EQ(installation_.last_event().action, "repository_created");
  EXPECT_EQ(installation_.last_event().repository, "alice/app");
  EXPECT_EQ(installation_.last_event().detail, "private");

  const auto events = installation_.events().size();
  EXPECT_EQ(facts_.ensure(repository("alice/app"), {}, some_origin()).value()->id, (*created)->id);
  EXPECT_EQ(installation_.events().size(), events);
}

TEST_P(FactsTest, CreatesOfficialRepositoriesInTheInstallationsNamespace) {
  const auto created = facts_.ensure(repository("debian"), {}, some_origin());
  ASSERT_THAT(created, Succeeds());
  const auto rows = installation_.read("SELECT id FROM namespaces WHERE name = ''");
  EXPECT_EQ((*created)->namespace_id, rows.at(0).integer(0));
}

TEST_P(FactsTest, RefusesToCreateWithoutANamespace) {
  EXPECT_THAT(facts_.ensure(repository("nobody-here/app"), {}, some_origin()), FailsWith(Errc::name_unknown));
}

TEST_P(FactsTest, OneOfTwoPushesAtOnceCreates) {
  const auto events = installation_.events().size();
  std::array<std::int64_t, 2> ids{};
  std::thread first([&] { ids[0] = facts_.ensure(repository("alice/app"), {}, some_origin()).value()->id; });
  std::thread second([&] { ids[1] = facts_.ensure(repository("alice/app"), {}, some_origin()).value()->id; });
  first.join();
  second.join();
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(installation_.events().size(), events + 1);
}

TEST_P(FactsTest, KnowsTheOwnerOfANamespace) {
  make("alice/app");
  EXPECT_EQ(role(alice_, "alice/app"), Role::owner);
  EXPECT_EQ(role(bob_, "alice/app"), Role::none);
  EXPECT_EQ(role({}, "alice/app"), Role::none);
  EXPECT_EQ(role(alice_, "alice/absent"), Role::owner);
  EXPECT_EQ(role(bob_, "alice/absent"), Role::none);
  EXPECT_EQ(role(bob_, "nobody-here/absent"), Role::none);
}

TEST_P(FactsTest, GivesAdministratorsTheInstallationsNamespaceAndNothingElse) {
  make("alice/app");
  make("debian");
  EXPECT_EQ(role(admin_, "debian"), Role::owner);
  EXPECT_EQ(role(admin_, "absent"), Role::owner);
  EXPECT_EQ(role(admin_, "alice/app"), Role::none);
  EXPECT_EQ(role(alice_, "debian"), Role::none);

  Principal demoted = admin_;
  demoted.administrator = false;
  EXPECT_EQ(role(demoted, "debian"), Role::none) << "the principal says it, not memory";
}

TEST_P(FactsTest, TakesTheHighestOfTheGrants) {
  make("alice/app");
  make("alice/other");
  grant("bob", Role::reader, "alice/");
  EXPECT_EQ(role(bob_, "alice/app"), Role::reader);
  grant("bob", Role::maintainer, "alice/app");
  EXPECT_EQ(role(bob_, "alice/app"), Role::maintainer);
  EXPECT_EQ(role(bob_, "alice/other"), Role::reader);
  grant("bob", Role::writer, "alice/");
  EXPECT_EQ(role(bob_, "alice/app"), Role::maintainer);
  EXPECT_EQ(role(bob_, "alice/absent"), Role::writer);
  grant("bob", Role::writer, "/");
  EXPECT_EQ(role(bob_, "debian"), Role::writer);
}

TEST_P(FactsTest, PeeksAtWhatWasResolvedAndOnlyThat) {
  make("alice/app");
  for (const Principal& principal : {Principal{}, alice_, bob_, admin_}) {
    for (const char* name : {"alice/app", "alice/absent", "debian"}) {
      const auto resolved = facts_.resolve(principal, repository(name));
      ASSERT_THAT(resolved, Succeeds());
      const auto peeked = facts_.peek(principal, repository(name));
      ASSERT_TRUE(peeked.has_value()) << name;
      EXPECT_EQ(peeked->standing.role, resolved->standing.role);
      EXPECT_EQ(peeked->standing.exists, resolved->standing.exists);
      EXPECT_EQ(peeked->repository == nullptr, resolved->repository == nullptr);
    }
  }
  EXPECT_EQ(facts_.peek(alice_, repository("never/asked")), std::nullopt);
}

// A change of one's own that makes memory forget must not tell afterwards what is there.
TEST_P(FactsTest, WhatIsAbsentIsForgottenLikeWhatIsHidden) {
  make("alice/hidden");
  make("bob/app");
  organization("acme");
  member("acme", bob_, "owner");
  team("acme", "t");
  const auto known = [&](std::string_view name) { return facts_.peek(bob_, repository(name)).has_value(); };
  for (const Role each : {Role::reader, Role::writer}) {
    for (const char* name : {"alice/hidden", "alice/absent", "alice/other"}) {
      ASSERT_EQ(role(bob_, name), Role::none);
      EXPECT_TRUE(known(name)) << name;
    }
    grant("team:acme/t", each, "bob/app");
    EXPECT_FALSE(known("alice/hidden"));
    EXPECT_FALSE(known("alice/absent"));
    // Nor does one absent name make another known.
    ASSERT_EQ(role(bob_, "alice/absent"), Role::none);
    EXPECT_FALSE(known("alice/other"));
  }
}

// Each change on warm memory: what peek() or resolve() says after it is what it did.
TEST_P(FactsTest, ShowsEachChangeBeforeItsCallReturns) {
  EXPECT_FALSE(standing(bob_, "alice/app").exists);
  make("alice/app");
  EXPECT_TRUE(standing(bob_, "alice/app").exists);
  EXPECT_EQ(standing(bob_, "alice/app").visibility, Visibility::private_);

  ASSERT_THAT(facts_.change(repository("alice/app"), {.visibility = Visibility::public_}, {}, some_origin()),
              Succeeds());
  EXPECT_EQ(standing(bob_, "alice/app").visibility, Visibility::public_);

  for (const char* target : {"alice/app", "alice/"}) {
    grant("bob", Role::reader, target);
    EXPECT_EQ(role(bob_, "alice/app"), Role::reader);
    grant("bob", Role::writer, target);
    EXPECT_EQ(role(bob_, "alice/app"), Role::writer);
    ASSERT_THAT(facts_.revoke({false, "bob"}, parse_grant_target(target).value(), some_origin()), Succeeds());
    EXPECT_EQ(role(bob_, "alice/app"), Role::none);
  }

  ASSERT_THAT(facts_.change(repository("alice/app"), {.immutable_tags = "v*"}, {}, some_origin()),
              Succeeds());
  EXPECT_EQ(facts_.resolve(alice_, repository("alice/app")).value().repository->immutable_tags, "v*");

  ASSERT_THAT(facts_.remove(repository("alice/app"), some_origin()), Succeeds());
  EXPECT_FALSE(standing(bob_, "alice/app").exists);
}

TEST_P(FactsTest, SeesANamespaceThatAppearedAfterItWasAskedFor) {
  EXPECT_EQ(role(bob_, "carol/app"), Role::none);
  const Principal carol = account("carol");
  EXPECT_EQ(role(carol, "carol/app"), Role::owner);
  EXPECT_THAT(facts_.ensure(repository("carol/app"), {}, some_origin()), Succeeds());
  EXPECT_TRUE(standing(bob_, "carol/app").exists);
}

TEST_P(FactsTest, GivesANameThatIsUsedAgainNoneOfTheOldGrants) {
  const auto old_id = make("alice/app");
  grant("bob", Role::maintainer, "alice/app");
  EXPECT_EQ(role(bob_, "alice/app"), Role::maintainer);
  ASSERT_THAT(facts_.remove(repository("alice/app"), some_origin()), Succeeds());
  const auto new_id = make("alice/app");
  EXPECT_GT(new_id, old_id);
  EXPECT_EQ(role(bob_, "alice/app"), Role::none);
}

TEST_P(FactsTest, RemovesARepositoryFromEverythingAtOnce) {
  const auto id = make("alice/app");
  make("alice/other");
  grant("bob", Role::reader, "alice/app");
  installation_.write("UPDATE repositories SET used_bytes = 120 WHERE id = ?", {id});
  installation_.write("UPDATE namespaces SET used_bytes = 260 WHERE name = 'alice'");

  ASSERT_THAT(facts_.remove(repository("alice/app"), some_origin()), Succeeds());
  EXPECT_EQ(installation_.last_event().action, "repository_deleted");
  EXPECT_EQ(installation_.last_event().repository, "alice/app");
  EXPECT_THAT(installation_.read("SELECT 1 FROM repository_grants"), IsEmpty());
  EXPECT_EQ(installation_.read("SELECT used_bytes FROM namespaces WHERE name = 'alice'").at(0).integer(0),
            140);
  EXPECT_EQ(facts_.names("", 10).value(), std::vector<std::string>{"alice/other"});
  EXPECT_EQ(role(alice_, "alice/app"), Role::owner) << "of the name, which is free";
  EXPECT_FALSE(standing(alice_, "alice/app").exists);
  EXPECT_THAT(facts_.remove(repository("alice/app"), some_origin()), FailsWith(Errc::name_unknown));
  EXPECT_NE(make("alice/app"), id);
}

TEST_P(FactsTest, ChangesNothingAndRecordsNothingWhenAskedForWhatIs) {
  make("alice/app");
  grant("bob", Role::reader, "alice/app");
  const auto events = installation_.events().size();
  EXPECT_THAT(facts_.change(repository("alice/app"), {.visibility = Visibility::private_}, {}, some_origin()),
              Succeeds());
  EXPECT_THAT(facts_.change(repository("alice/app"), {.immutable_tags = ""}, {}, some_origin()), Succeeds());
  grant("bob", Role::reader, "alice/app");
  EXPECT_EQ(installation_.events().size(), events);
}

TEST_P(FactsTest, RecordsWhoGrantedWhatToWhom) {
  make("alice/app");
  grant("bob", Role::writer, "alice/app");
  EXPECT_EQ(installation_.last_event(), (identity::testing::Recorded{"grant_set", "root-of-tests", "operator",
                                                                     "alice/app", "bob", "writer"}));
  grant("bob", Role::reader, "/");
  EXPECT_EQ(installation_.last_event(),
            (identity::testing::Recorded{"grant_set", "root-of-tests", "operator", "", "bob",
                                         R"({"namespace":"","role":"reader"})"}));
  ASSERT_THAT(facts_.revoke({false, "bob"}, parse_grant_target("/").value(), some_origin()), Succeeds());
  EXPECT_EQ(installation_.last_event(),
            (identity::testing::Recorded{"grant_removed", "root-of-tests", "operator", "", "bob",
                                         R"({"namespace":""})"}));
}

TEST_P(FactsTest, RefusesChangesToWhatIsNotThere) {
  make("alice/app");
  const auto absent = repository("alice/absent");
  EXPECT_THAT(facts_.change(absent, {.visibility = Visibility::public_}, {}, some_origin()),
              FailsWith(Errc::name_unknown));
  EXPECT_THAT(facts_.change(absent, {.immutable_tags = "*"}, {}, some_origin()),
              FailsWith(Errc::name_unknown));
  EXPECT_THAT(facts_.set_quota("nobody-here", 1, some_origin()), FailsWith(Errc::name_unknown));
  EXPECT_THAT(facts_.set_quota("\xff", 1, some_origin()), FailsWith(Errc::name_unknown));
  EXPECT_THAT(facts_.grant({false, "bob"}, Role::reader, {false, "alice/absent"}, some_origin()),
              FailsWith(Errc::name_unknown));
  EXPECT_THAT(facts_.grant({false, "bob"}, Role::reader, {true, "nobody-here"}, some_origin()),
              FailsWith(Errc::name_unknown));
  for (const char* account : {"nobody-here", "No Name", "\xff"})
    EXPECT_THAT(facts_.grant({false, account}, Role::reader, {false, "alice/app"}, some_origin()),
                FailsWith(Errc::not_found));
  EXPECT_THAT(facts_.revoke({false, "bob"}, {false, "alice/app"}, some_origin()), FailsWith(Errc::not_found));
}

TEST_P(FactsTest, GrantsNeitherNoneNorOwnership) {
  make("alice/app");
  for (const Role role : {Role::none, Role::owner})
    EXPECT_THAT(facts_.grant({false, "bob"}, role, {false, "alice/app"}, some_origin()),
                FailsWith(Errc::invalid_argument));
}

TEST_P(FactsTest, TakesPatternsOfTagsOnly) {
  make("alice/app");
  for (const std::string& pattern : {std::string("*"), std::string("v*.0_x-Y"), std::string(128, 'a')})
    EXPECT_THAT(
        facts_.change(repository("alice/app"), {.immutable_tags = std::string(pattern)}, {}, some_origin()),
        Succeeds())
        << pattern;
  for (const std::string& pattern :
       {std::string("a b"), std::string("\"}"), std::string(129, 'a'), std::string("a\0", 2)})
    EXPECT_THAT(
        facts_.change(repository("alice/app"), {.immutable_tags = std::string(pattern)}, {}, some_origin()),
        FailsWith(Errc::invalid_argument))
        << pattern;
}

TEST_P(FactsTest, SetsAndLiftsQuotas) {
  ASSERT_THAT(facts_.set_quota("alice", 1000, some_origin()), Succeeds());
  EXPECT_EQ(installation_.read("SELECT quota_bytes FROM namespaces WHERE name = 'alice'").at(0).integer(0),
            1000);
  EXPECT_EQ(installation_.last_event(),
            (identity::testing::Recorded{"namespace_quota_changed", "root-of-tests", "operator", "", "alice/",
                                         "1000"}));
  ASSERT_THAT(facts_.set_quota("alice", std::nullopt, some_origin()), Succeeds());
  EXPECT_TRUE(installation_.read("SELECT quota_bytes FROM namespaces WHERE name = 'alice'").at(0).is_null(0));
  EXPECT_THAT(facts_.set_quota("", 5, some_origin()), Succeeds());
  EXPECT_THAT(facts_.set_quota("alice", 1ull << 63, some_origin()), FailsWith(Errc::invalid_argument));
}

// Others load the same facts all the time; none of their loads may bring back what a finished change has
// replaced.
TEST_P(FactsTest, KeepsNoLoadThatRacedWithAChange) {
  make("alice/app");
  std::atomic<bool> stop{false};
  const auto load = [&] {
    while (!stop) EXPECT_THAT(facts_.resolve(bob_, repository("alice/app")), Succeeds());
  };
  std::thread first(load);
  std::thread second(load);
  for (int i = 1; i <= 20; ++i) {
    grant("bob", Role::reader, "alice/app");
    EXPECT_EQ(role(bob_, "alice/app"), Role::reader);
    EXPECT_THAT(facts_.revoke({false, "bob"}, {false, "alice/app"}, some_origin()), Succeeds());
    EXPECT_EQ(role(bob_, "alice/app"), Role::none);
    const std::string pattern = "v" + std::to_string(i);
    EXPECT_THAT(
        facts_.change(repository("alice/app"), {.immutable_tags = std::string(pattern)}, {}, some_origin()),
        Succeeds());
    EXPECT_EQ(facts_.resolve(bob_, repository("alice/app")).value().repository->immutable_tags, pattern);
  }
  stop = true;
  first.join();
  second.join();
}

TEST(GrantTarget, TellsNamespacesFromRepositories) {
  EXPECT_TRUE(parse_grant_target("team/")->is_namespace);
  EXPECT_EQ(parse_grant_target("team/")->name, "team");
  EXPECT_TRUE(parse_grant_target("/")->is_namespace);
  EXPECT_EQ(parse_grant_target("/")->name, "");
  EXPECT_FALSE(parse_grant_target("team")->is_namespace);
  EXPECT_FALSE(parse_grant_target("team/app")->is_namespace);
  for (const char* text : {"", "//", "team//", "team/app/", "Team/", "/team", "\xff"})
    EXPECT_THAT(parse_grant_target(text), FailsWith(Errc::name_invalid)) << text;
}

INSTANTIATE_TEST_SUITE_P(Engines, FactsTest,
                         ::testing::Values(db::testing::Engine::sqlite, db::testing::Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::access

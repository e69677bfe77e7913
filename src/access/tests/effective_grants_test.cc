#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "access/tests/facts_fixture.h"

namespace bulkhead::access {

void PrintTo(const Reason& reason, std::ostream* out) {
  *out << name(reason.kind) << ' ' << name(reason.role) << ' ' << reason.team;
}

namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::some_origin;
using ::testing::UnorderedElementsAre;
using Kind = Reason::Kind;

class EffectiveGrantsTest : public testing::FactsFixture {
 protected:
  // "account role" each.
  std::vector<std::string> who(std::string_view name) {
    std::vector<std::string> lines;
    for (const EffectiveGrant& grant : facts_.effective_grants(repository(name), "", 100).value().entries)
      lines.push_back(grant.account + ' ' + std::string(access::name(grant.role)));
    return lines;
  }
  std::vector<Reason> why(std::string_view name, std::string_view account) {
    for (EffectiveGrant& grant : facts_.effective_grants(repository(name), "", 100).value().entries)
      if (grant.account == account) return std::move(grant.reasons);
    return {};
  }
};

TEST_P(EffectiveGrantsTest, NameEverybodyWithARoleAndEveryReason) {
  organization("acme", "reader");
  member("acme", alice_, "owner");
  member("acme", bob_);
  const auto all = team("acme", "all");
  const auto devs = team("acme", "devs", all);
  join(devs, bob_);
  make("acme/app");
  grant("team:acme/all", Role::reader, "acme/");
  grant("team:acme/devs", Role::writer, "acme/app");
  grant("bob", Role::maintainer, "acme/app");
  robot("acme+ci", "acme");
  grant("acme+ci", Role::writer, "acme/");
  ASSERT_THAT(facts_.change(repository("acme/app"), {.owner = "admin"}, {}, some_origin()), Succeeds());

  EXPECT_THAT(who("acme/app"), ElementsAre("acme+ci writer", "admin owner", "alice owner", "bob maintainer"));
  EXPECT_THAT(why("acme/app", "acme+ci"), ElementsAre(Reason{Kind::namespace_grant, Role::writer, ""}));
  EXPECT_THAT(why("acme/app", "admin"), ElementsAre(Reason{Kind::repository_owner, Role::owner, ""}));
  EXPECT_THAT(why("acme/app", "alice"), ElementsAre(Reason{Kind::organization_owner, Role::owner, ""}));
  EXPECT_THAT(why("acme/app", "bob"),
              UnorderedElementsAre(Reason{Kind::repository_grant, Role::maintainer, ""},
                                   Reason{Kind::organization_member, Role::reader, ""},
                                   Reason{Kind::team_namespace_grant, Role::reader, "acme/all"},
                                   Reason{Kind::team_repository_grant, Role::writer, "acme/devs"}));
  EXPECT_TRUE(facts_.effective_grants(repository("acme/app"), "", 1)->entries.at(0).is_robot);
}

TEST_P(EffectiveGrantsTest, NameTheFirstPusherAsLongAsTheyHaveARole) {
  make("alice/app", bob_);
  EXPECT_THAT(who("alice/app"), ElementsAre("alice owner"));
  grant("bob", Role::reader, "alice/app");
  EXPECT_THAT(who("alice/app"), ElementsAre("alice owner", "bob owner"));
  EXPECT_THAT(why("alice/app", "bob"),
              UnorderedElementsAre(Reason{Kind::repository_owner, Role::owner, ""},
                                   Reason{Kind::repository_grant, Role::reader, ""}));
}

TEST_P(EffectiveGrantsTest, NameAdministratorsForOfficialImages) {
  make("debian");
  make("alice/app");
  EXPECT_THAT(who("debian"), ElementsAre("admin owner"));
  EXPECT_THAT(who("alice/app"), ElementsAre("alice owner"));
}

TEST_P(EffectiveGrantsTest, LeaveOutWhoCannotLogIn) {
  make("alice/app");
  grant("bob", Role::reader, "alice/app");
  ASSERT_THAT(installation_.accounts.set_active("bob", false, some_origin()), Succeeds());
  EXPECT_THAT(who("alice/app"), ElementsAre("alice owner"));
}

TEST_P(EffectiveGrantsTest, ComeInPagesOfAccounts) {
  organization("acme", "reader");
  member("acme", bob_);
  member("acme", alice_, "owner");
  make("acme/app");
  for (const char* account : {"bob", "admin"}) grant(account, Role::writer, "acme/");
  for (const std::size_t size : {1u, 2u, 3u, 100u}) {
    std::vector<std::string> accounts;
    std::string last;
    for (bool more = true; more;) {
      const auto page = facts_.effective_grants(repository("acme/app"), last, size).value();
      ASSERT_LE(page.entries.size(), size);
      ASSERT_FALSE(page.entries.empty());
      for (const EffectiveGrant& grant : page.entries) accounts.push_back(grant.account);
      last = accounts.back();
      more = page.more;
    }
    EXPECT_THAT(accounts, ElementsAre("admin", "alice", "bob")) << "pages of " << size;
  }
  EXPECT_THAT(facts_.effective_grants(repository("acme/app"), "zz", 5)->entries, IsEmpty());
  EXPECT_THAT(facts_.effective_grants(repository("acme/app"), std::string_view("\xff\0", 2), 5)->entries,
              IsEmpty());
  EXPECT_THAT(facts_.effective_grants(repository("acme/app"), "", 0)->entries, IsEmpty());
  EXPECT_THAT(facts_.effective_grants(repository("acme/absent"), "", 5), FailsWith(Errc::name_unknown));
}

TEST(ReasonKind, HasAName) {
  EXPECT_EQ(name(Kind::repository_owner), "repository_owner");
  EXPECT_EQ(name(Kind::team_repository_grant), "team_repository_grant");
  EXPECT_EQ(name(Kind::team_namespace_grant), "team_namespace_grant");
  EXPECT_EQ(name(Kind::organization_member), "organization_member");
  EXPECT_EQ(name(Kind::administrator), "administrator");
}

INSTANTIATE_TEST_SUITE_P(Engines, EffectiveGrantsTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::access

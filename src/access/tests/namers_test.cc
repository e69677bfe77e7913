// Who may name whom, in a grant and as an owner; and what a grant that is refused does to memory.
#include <set>

#include "access/tests/facts_fixture.h"

namespace bulkhead::access {
namespace {

using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::some_origin;

class NamersTest : public testing::FactsFixture {
 protected:
  NamersTest() {
    organization("acme");
    member("acme", alice_, "owner");
    member("acme", carol_);
    devs_ = team("acme", "devs");
    join(devs_, carol_);
    robot("acme+ci", "acme");
    make("bob/app", bob_);
    make("alice/app", alice_);
    make("acme/app", alice_);
  }

  Result<void> give(const Principal& namer, std::string_view subject, std::string_view target) {
    return facts_.grant(parse_grant_subject(subject).value(), Role::reader,
                        parse_grant_target(target).value(), some_origin(), namer.account_id);
  }
  Result<void> take(const Principal& namer, std::string_view subject, std::string_view target) {
    return facts_.revoke(parse_grant_subject(subject).value(), parse_grant_target(target).value(),
                         some_origin(), namer.account_id);
  }
  Result<void> appoint(const Principal& namer, std::string_view account, std::string_view name) {
    return facts_.change(repository(name), {.owner = std::string(account)}, {.namer = namer.account_id},
                         some_origin());
  }
  static std::string without(std::string text, std::string_view name) {
    for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos;)
      text.replace(at, name.size(), "NAME");
    return text;
  }

  Principal carol_ = account("carol");
  std::int64_t devs_ = 0;
};

TEST_P(NamersTest, SeeTheirOrganizationsAndNobodyElse) {
  for (const std::string_view target : {"alice/app", "alice/"})
    for (const std::string_view seen : {"carol", "team:acme/devs", "acme+ci", "alice"})
      EXPECT_THAT(give(alice_, seen, target), Succeeds()) << seen;
  for (const std::string_view target : {"bob/app", "bob/"}) {
    for (const auto& [hidden, absent] :
         {std::pair("carol", "nobody-here"), std::pair("alice", "nobody-here"),
          std::pair("acme+ci", "acme+none"), std::pair("team:acme/devs", "team:acme/none"),
          std::pair("team:acme/devs", "team:none/devs")}) {
      const auto refused = give(bob_, hidden, target);
      ASSERT_THAT(refused, FailsWith(Errc::not_found)) << hidden;
      const auto bare = [](std::string_view name) {
        return name.starts_with("team:") ? name.substr(5) : name;
      };
      EXPECT_EQ(without(refused.error().message, bare(hidden)),
                without(give(bob_, absent, target).error().message, bare(absent)));
      EXPECT_EQ(without(take(bob_, hidden, target).error().message, hidden),
                without(take(bob_, absent, target).error().message, absent));
    }
  }
  EXPECT_THAT(give(bob_, "bob", "bob/app"), Succeeds());
}

TEST_P(NamersTest, SeeWhoHasARoleThere) {
  grant("carol", Role::writer, "bob/app");
  grant("team:acme/devs", Role::writer, "bob/");
  EXPECT_THAT(give(bob_, "carol", "bob/app"), Succeeds());
  EXPECT_THAT(give(bob_, "carol", "bob/"), FailsWith(Errc::not_found));
  EXPECT_THAT(give(bob_, "team:acme/devs", "bob/app"), Succeeds()) << "by the namespace";
  EXPECT_THAT(take(bob_, "carol", "bob/app"), Succeeds());
  EXPECT_THAT(take(bob_, "team:acme/devs", "bob/"), Succeeds());
}

TEST_P(NamersTest, ReadTheMembersOfTheirOwnTeamsOnly) {
  grant("team:acme/devs", Role::writer, "bob/app");
  const auto listed = [&](std::string_view name, const Principal& reader) {
    std::vector<std::string> names;
    const auto page = facts_.effective_grants(repository(name), "", 10, reader.account_id).value();
    for (const EffectiveGrant& grant : page.entries) names.push_back(grant.account);
    return names;
  };
  EXPECT_EQ(listed("bob/app", bob_), (std::vector<std::string>{"bob", "team:acme/devs"}));
  EXPECT_EQ(listed("bob/app", alice_), (std::vector<std::string>{"bob", "carol"}));
  const auto second = facts_.effective_grants(repository("bob/app"), "bob", 10, bob_.account_id).value();
  ASSERT_EQ(second.entries.size(), 1u);
  EXPECT_EQ(second.entries[0].role, Role::writer);
  EXPECT_EQ(second.entries[0].reasons.at(0).team, "acme/devs");
  // Of the organization whose the repository is, whoever may list at all reads all.
  grant("team:acme/devs", Role::writer, "acme/app");
  EXPECT_EQ(listed("acme/app", bob_), (std::vector<std::string>{"alice", "carol"}));
}

TEST_P(NamersTest, GiveARepositoryToMembersOfItsOrganizationOnly) {
  EXPECT_THAT(appoint(alice_, "carol", "acme/app"), Succeeds());
  EXPECT_THAT(appoint(alice_, "alice", "alice/app"), Succeeds());
  std::set<std::string> told;
  for (const std::string_view name : {"bob", "carol", "admin", "acme+ci", "nobody-here"}) {
    const auto refused = appoint(alice_, name, "alice/app");
    ASSERT_THAT(refused, FailsWith(Errc::not_found)) << name;
    told.insert(without(refused.error().message, name));
  }
  EXPECT_THAT(appoint(alice_, "alice", "acme/app"), Succeeds());
  installation_.write("UPDATE accounts SET state = 'locked' WHERE name = 'carol'");
  const auto refused = appoint(alice_, "carol", "acme/app");
  ASSERT_THAT(refused, FailsWith(Errc::not_found));
  EXPECT_EQ(told.size(), 1u);
  EXPECT_EQ(facts_.details(repository("alice/app"))->owner, "alice");
  EXPECT_THAT(facts_.change(repository("alice/app"), {.owner = "bob"}, {}, some_origin()), Succeeds())
      << "an operator";
}

TEST_P(NamersTest, WhoLoosenAPatternOwn) {
  const auto set = [&](std::string pattern, bool owner) {
    return facts_.change(repository("alice/app"), {.immutable_tags = std::move(pattern)},
                         {.may_loosen = owner}, some_origin());
  };
  EXPECT_THAT(set("v*", false), Succeeds());
  EXPECT_THAT(set("v*", false), Succeeds());
  for (const std::string_view less : {"", "v1*", "w*", "*v*"})
    EXPECT_THAT(set(std::string(less), false), FailsWith(Errc::denied)) << less;
  EXPECT_THAT(set("*", false), Succeeds());
  EXPECT_THAT(set("v*", true), Succeeds());
  EXPECT_EQ(installation_.last_event().detail, R"({"immutable_tags":"v*","before":"*"})");
}

TEST_P(NamersTest, ChangesAreMadeTogetherOrNotAtAll) {
  const auto events = installation_.events().size();
  EXPECT_THAT(
      facts_.change(repository("alice/app"),
                    {.visibility = Visibility::public_, .immutable_tags = "v*", .owner = "nobody-here"}, {},
                    some_origin()),
      FailsWith(Errc::not_found));
  EXPECT_THAT(facts_.change(repository("alice/app"),
                            {.visibility = Visibility::public_, .immutable_tags = "v*", .contact = "\n"}, {},
                            some_origin()),
              FailsWith(Errc::invalid_argument));
  EXPECT_EQ(installation_.events().size(), events);
  EXPECT_EQ(standing({}, "alice/app").visibility, Visibility::private_);
}

TEST_P(NamersTest, RefusedAndRepeatedGrantsForgetNothing) {
  grant("team:acme/devs", Role::reader, "alice/app");
  const auto warm = [&] {
    return facts_.peek(bob_, repository("alice/app")).has_value() &&
           facts_.peek(bob_, repository("bob/app")).has_value();
  };
  facts_.resolve(bob_, repository("alice/app")).value();
  facts_.resolve(bob_, repository("bob/app")).value();
  ASSERT_TRUE(warm());
  EXPECT_THAT(give(bob_, "team:none/devs", "bob/app"), FailsWith(Errc::not_found));
  EXPECT_THAT(give(bob_, "team:acme/devs", "bob/"), FailsWith(Errc::not_found));
  EXPECT_THAT(take(bob_, "team:acme/devs", "bob/app"), FailsWith(Errc::not_found));
  grant("team:acme/devs", Role::reader, "alice/app");
  EXPECT_TRUE(warm());
  grant("team:acme/devs", Role::writer, "alice/app");
  EXPECT_FALSE(warm()) << "a change";
}

INSTANTIATE_TEST_SUITE_P(Engines, NamersTest,
                         ::testing::Values(db::testing::Engine::sqlite, db::testing::Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::access

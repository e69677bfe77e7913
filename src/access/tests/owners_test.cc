// Every repository has somebody who answers for it and somebody to write to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "access/tests/facts_fixture.h"

namespace bulkhead::access {
namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::IsEmpty;
using testing::some_origin;

class OwnersTest : public testing::FactsFixture {
 protected:
  std::string owner(std::string_view name) { return facts_.details(repository(name)).value().owner; }
  std::string contact(std::string_view name) { return facts_.details(repository(name)).value().contact; }
  Result<void> appoint(std::string_view name, std::string_view account) {
    return facts_.change(repository(name), {.owner = std::string(account)}, {}, some_origin());
  }
  void disable(std::string_view account) {
    // Past the rule that an organization's last active owner stays: an earlier version had none.
    installation_.write("UPDATE accounts SET state = 'disabled' WHERE name = ?", {std::string(account)});
  }
};

TEST_P(OwnersTest, APersonWhoPushesFirstIsOwnerAndContact) {
  grant("bob", Role::writer, "alice/");
  make("alice/bobs", bob_);
  EXPECT_EQ(owner("alice/bobs"), "bob");
  EXPECT_EQ(contact("alice/bobs"), "bob");
  EXPECT_EQ(installation_.last_event(),
            (identity::testing::Recorded{"repository_created", "root-of-tests", "operator", "alice/bobs",
                                         "bob", "private"}));
  make("alice/bobs", alice_);
  EXPECT_EQ(owner("alice/bobs"), "bob") << "the first push counts";
}

TEST_P(OwnersTest, ForARobotAndAnOperatorItIsTheOneOfTheNamespace) {
  organization("acme");
  member("acme", bob_, "member");
  member("acme", alice_, "owner");
  const Principal ci = robot("acme+ci", "acme");
  make("acme/by-robot", ci);
  EXPECT_EQ(owner("acme/by-robot"), "alice");
  EXPECT_EQ(contact("acme/by-robot"), "alice");
  make("acme/by-operator");
  EXPECT_EQ(owner("acme/by-operator"), "alice");
  make("bob/by-robot", ci);
  EXPECT_EQ(owner("bob/by-robot"), "bob");
  make("debian");
  EXPECT_EQ(owner("debian"), "admin");
}

TEST_P(OwnersTest, AnActiveOwnerOfTheNamespaceComesFirst) {
  organization("acme");
  member("acme", alice_, "owner");
  member("acme", bob_, "owner");
  disable("alice");
  make("acme/app");
  EXPECT_EQ(owner("acme/app"), "bob");
  disable("bob");
  make("acme/other");
  EXPECT_EQ(owner("acme/other"), "alice") << "somebody who cannot log in is still better than nobody";
  EXPECT_FALSE(facts_.details(repository("acme/other"))->owner_active);
}

TEST_P(OwnersTest, NothingIsCreatedThatNobodyWouldOwn) {
  organization("acme");
  EXPECT_THAT(facts_.ensure(repository("acme/app"), {}, some_origin()), FailsWith(Errc::conflict));
  EXPECT_THAT(facts_.ensure(repository("acme/app"), robot("acme+ci", "acme"), some_origin()),
              FailsWith(Errc::conflict));
  EXPECT_THAT(installation_.read("SELECT 1 FROM repositories"), IsEmpty());
  make("acme/app", bob_);
  EXPECT_EQ(owner("acme/app"), "bob");
}

TEST_P(OwnersTest, EveryRepositoryHasOneWhateverIsDoneToIt) {
  organization("acme");
  member("acme", alice_, "owner");
  make("acme/app", robot("acme+ci", "acme"));
  make("bob/app", bob_);
  make("debian");
  ASSERT_THAT(appoint("bob/app", "alice"), Succeeds());
  ASSERT_THAT(
      facts_.rename(repository("bob/app"), repository("acme/moved"), Robots::come_along, some_origin()),
      Succeeds());
  ASSERT_THAT(facts_.rename(repository("acme/app"), repository("app"), Robots::come_along, some_origin()),
              Succeeds());
  disable("alice");
  EXPECT_THAT(
      installation_.read("SELECT r.name FROM repositories r LEFT JOIN accounts a ON a.id = r.owner_id "
                         "WHERE a.kind IS NULL OR a.kind <> 'person' OR r.contact = ''"),
      IsEmpty());
}

TEST_P(OwnersTest, OwnershipIsTransferred) {
  make("alice/app");
  ASSERT_THAT(appoint("alice/app", "bob"), Succeeds());
  EXPECT_EQ(installation_.last_event(),
            (identity::testing::Recorded{"repository_owner_changed", "root-of-tests", "operator", "alice/app",
                                         "bob", "alice"}));
  EXPECT_EQ(owner("alice/app"), "bob");
  EXPECT_EQ(contact("alice/app"), "bob") << "it was the former owner's name";
  EXPECT_EQ(role(bob_, "alice/app"), Role::owner);
  EXPECT_EQ(role(alice_, "alice/app"), Role::owner) << "it is in alice's namespace";

  ASSERT_THAT(facts_.change(repository("alice/app"), {.contact = "team-app@example.org"}, {}, some_origin()),
              Succeeds());
  ASSERT_THAT(appoint("alice/app", "admin"), Succeeds());
  EXPECT_EQ(contact("alice/app"), "team-app@example.org");
  EXPECT_EQ(role(bob_, "alice/app"), Role::none) << "from the next request";
  EXPECT_EQ(role(admin_, "alice/app"), Role::owner);
}

TEST_P(OwnersTest, AppointingTwiceChangesNothing) {
  make("alice/app");
  const auto events = installation_.events().size();
  ASSERT_THAT(appoint("alice/app", "alice"), Succeeds());
  EXPECT_EQ(installation_.events().size(), events + 1) << "who pushed it first is now appointed";
  ASSERT_THAT(appoint("alice/app", "alice"), Succeeds());
  EXPECT_EQ(installation_.events().size(), events + 1);
}

TEST_P(OwnersTest, OnlyAnActivePersonIsAppointed) {
  make("alice/app");
  organization("acme");
  robot("acme+ci", "acme");
  disable("bob");
  const auto events = installation_.events().size();
  EXPECT_THAT(appoint("alice/app", "bob"), FailsWith(Errc::invalid_argument));
  installation_.write("UPDATE accounts SET state = 'locked' WHERE name = 'bob'");
  EXPECT_THAT(appoint("alice/app", "bob"), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(appoint("alice/app", "acme+ci"), FailsWith(Errc::invalid_argument));
  for (const char* nobody : {"nobody-here", "", "No Name", "team:acme/devs", "acme/devs", "\xff"})
    EXPECT_THAT(appoint("alice/app", nobody), FailsWith(Errc::not_found)) << nobody;
  EXPECT_THAT(appoint("alice/absent", "admin"), FailsWith(Errc::name_unknown));
  EXPECT_EQ(owner("alice/app"), "alice");
  EXPECT_EQ(installation_.events().size(), events);
}

TEST_P(OwnersTest, ContactsAreOneLineThatShows) {
  make("alice/app");
  const auto set = [&](std::string_view text) {
    return facts_.change(repository("alice/app"), {.contact = std::string(text)}, {}, some_origin());
  };
  for (const std::string& text :
       {std::string("#team-app on chat"), std::string("Zo\xc3\xab <zoe@example.org>"), std::string(255, 'a'),
        std::string("\xe2\x80\x93")}) {
    EXPECT_THAT(set(text), Succeeds()) << text;
    EXPECT_EQ(contact("alice/app"), text);
  }
  EXPECT_EQ(installation_.last_event().action, "repository_contact_changed");
  EXPECT_EQ(installation_.last_event().detail, "\xe2\x80\x93");
  const auto events = installation_.events().size();
  EXPECT_THAT(set("\xe2\x80\x93"), Succeeds());
  EXPECT_EQ(installation_.events().size(), events) << "it is that already";
  for (const std::string& text :
       {std::string(), std::string(256, 'a'), std::string("a\nb"), std::string("a\0b", 3),
        std::string("\x1b[31m"), std::string("\xff"), std::string("\xc2\x9b"), std::string("a\xe2\x80\xae"),
        std::string("\xe2\x80\x8b"), std::string("\xef\xbb\xbf"), std::string(" a"), std::string("a "),
        std::string("a\x7f")})
    EXPECT_THAT(set(text), FailsWith(Errc::invalid_argument)) << text;
  EXPECT_EQ(contact("alice/app"), "\xe2\x80\x93");
  EXPECT_THAT(facts_.change(repository("alice/absent"), {.contact = "a"}, {}, some_origin()),
              FailsWith(Errc::name_unknown));
}

TEST_P(OwnersTest, DetailsTellWhatIsKnown) {
  make("alice/app");
  ASSERT_THAT(facts_.change(repository("alice/app"), {.protected_tags = "v*"}, {}, some_origin()),
              Succeeds());
  EXPECT_EQ(installation_.last_event().action, "repository_policy_changed");
  EXPECT_EQ(installation_.last_event().detail, R"({"protected_tags":"v*"})");
  const auto details = facts_.details(repository("alice/app")).value();
  EXPECT_EQ(details.repository.name.render(), "alice/app");
  EXPECT_EQ(details.protected_tags, "v*");
  EXPECT_EQ(details.repository.immutable_tags, "");
  EXPECT_TRUE(details.owner_active);
  EXPECT_EQ(details.created_at, installation_.clock.now());
  EXPECT_THAT(facts_.details(repository("alice/absent")), FailsWith(Errc::name_unknown));
  EXPECT_THAT(facts_.change(repository("alice/app"), {.protected_tags = "a b"}, {}, some_origin()),
              FailsWith(Errc::invalid_argument));
}

INSTANTIATE_TEST_SUITE_P(Engines, OwnersTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::access

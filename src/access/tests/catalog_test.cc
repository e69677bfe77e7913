#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/tests/facts_fixture.h"

namespace bulkhead::access {
namespace {

using db::testing::Engine;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CatalogTest : public testing::FactsFixture {
 protected:
  using Names = std::vector<std::string>;

  Names list(const Principal& principal, std::string_view last = "", std::size_t limit = 100) {
    return facts_.catalog(principal, last, limit).value();
  }

  void fill() {
    for (const char* name : {"alice/app", "alice/tool", "bob/private", "debian", "secret"}) make(name);
    for (const char* name : {"bob/public", "alpine"}) {
      make(name);
      publish(name);
    }
  }
};

TEST_P(CatalogTest, ShowsEachCallerWhatIsReadable) {
  fill();
  EXPECT_THAT(list({}), ElementsAre("alpine", "bob/public"));
  EXPECT_THAT(list(alice_), ElementsAre("alice/app", "alice/tool", "alpine", "bob/public"));
  EXPECT_THAT(list(bob_), ElementsAre("alpine", "bob/private", "bob/public"));
  EXPECT_THAT(list(admin_), ElementsAre("alpine", "bob/public", "debian", "secret"));
}

TEST_P(CatalogTest, AgreesWithDecideOnEveryRepository) {
  fill();
  grant("bob", Role::reader, "alice/app");
  grant("alice", Role::writer, "/");
  for (const bool anonymous_pull : {true, false}) {
    Facts facts(*installation_.database, installation_.accounts, policies_, installation_.clock, 0,
                anonymous_pull);
    for (const Principal& principal : {Principal{}, alice_, bob_, admin_}) {
      Names readable;
      for (const char* name :
           {"alice/app", "alice/tool", "alpine", "bob/private", "bob/public", "debian", "secret"}) {
        const auto resolved = facts.resolve(principal, repository(name));
        if (decide(principal, Action::pull, resolved->standing)) readable.emplace_back(name);
      }
      EXPECT_EQ(facts.catalog(principal, "", 100).value(), readable)
          << '"' << principal.account << "\", anonymous pull " << anonymous_pull;
    }
  }
}

TEST_P(CatalogTest, NamesARepositoryOnceHoweverManyReasonsThereAre) {
  make("alice/app");
  publish("alice/app");
  grant("alice", Role::reader, "alice/");
  grant("alice", Role::reader, "alice/app");
  EXPECT_THAT(list(alice_), ElementsAre("alice/app"));
}

TEST_P(CatalogTest, GoesThroughPagesInByteOrder) {
  for (const char* name : {"a_b", "a-b", "a.b", "alice/z", "a0", "alice/a", "b"}) {
    make(name);
    publish(name);
  }
  const Names all = {"a-b", "a.b", "a0", "a_b", "alice/a", "alice/z", "b"};
  EXPECT_EQ(list(alice_), all);
  for (const std::size_t size : {1u, 2u, 3u, 7u}) {
    Names paged;
    for (Names page = list(alice_, "", size); !page.empty(); page = list(alice_, page.back(), size)) {
      EXPECT_LE(page.size(), size);
      paged.insert(paged.end(), page.begin(), page.end());
    }
    EXPECT_EQ(paged, all) << "pages of " << size;
  }
}

TEST_P(CatalogTest, BeginsAfterWhateverLastSays) {
  for (const char* name : {"a", "b", "bb"}) {
    make(name);
    publish(name);
  }
  EXPECT_THAT(list({}, "b"), ElementsAre("bb"));
  EXPECT_THAT(list({}, "az"), ElementsAre("b", "bb"));
  EXPECT_THAT(list({}, "zzz"), IsEmpty());
  EXPECT_THAT(list({}, std::string_view("b\0x", 3)), ElementsAre("bb"));
  EXPECT_THAT(list({}, "b\xff"), IsEmpty());
  EXPECT_THAT(list({}, "a\xff"), ElementsAre("b", "bb"));
  EXPECT_THAT(list({}, "' OR 1=1 --"), ElementsAre("a", "b", "bb"));
}

TEST_P(CatalogTest, ListsNothingForNoLimit) {
  fill();
  EXPECT_THAT(list(alice_, "", 0), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Engines, CatalogTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::access

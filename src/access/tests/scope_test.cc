#include "access/scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/testing/database_contract.h"

namespace bulkhead::access {
namespace {

using db::testing::FailsWith;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "name=pull,push" for each scope that was kept.
std::vector<std::string> parsed(const std::vector<std::string>& values, std::size_t limit = 100) {
  std::vector<std::string> kept;
  for (const Scope& scope : parse_scopes(values, limit).value()) {
    std::string text = scope.name + "=";
    for (const std::string& action : scope.actions.render()) text += (text.back() == '=' ? "" : ",") + action;
    kept.push_back(text);
  }
  return kept;
}

TEST(Scope, ReadsARepositoryAndItsActions) {
  EXPECT_THAT(parsed({"repository:alice/app:pull"}), ElementsAre("alice/app=pull"));
  EXPECT_THAT(parsed({"repository:app:push,pull"}), ElementsAre("app=pull,push"));
  EXPECT_THAT(parsed({"repository:app:*"}), ElementsAre("app=pull,push,delete"));
  EXPECT_THAT(parsed({"repository:app:delete"}), ElementsAre("app=delete"));
  EXPECT_THAT(parsed({"repository(plugin):app:pull"}), ElementsAre("app=pull"));
}

TEST(Scope, ReadsSeveralFromOneValueAndSeveralValues) {
  EXPECT_THAT(parsed({"repository:a/b:pull repository:c/d:push", "repository:e:pull"}),
              ElementsAre("a/b=pull", "c/d=push", "e=pull"));
  EXPECT_THAT(parsed({"  repository:a/b:pull  "}), ElementsAre("a/b=pull"));
  EXPECT_THAT(parsed({}), IsEmpty());
  EXPECT_THAT(parsed({""}), IsEmpty());
}

TEST(Scope, JoinsScopesOfOneRepository) {
  EXPECT_THAT(parsed({"repository:a/b:pull", "repository:c:pull", "repository:a/b:push"}),
              ElementsAre("a/b=pull,push", "c=pull"));
}

TEST(Scope, ReadsTheCatalogAsAWholeOnly) {
  const auto scopes = parse_scopes({"registry:catalog:*"}, 1).value();
  ASSERT_EQ(scopes.size(), 1u);
  EXPECT_EQ(scopes[0].type, Scope::Type::catalog);
  EXPECT_TRUE(scopes[0].actions.all());
  EXPECT_THAT(parsed({"registry:catalog:pull"}), IsEmpty());
  EXPECT_THAT(parsed({"registry:other:*"}), IsEmpty());
}

TEST(Scope, DropsUnknownActionsAndWhatIsLeftWithout) {
  EXPECT_THAT(parsed({"repository:app:pull,fly,,push,"}), ElementsAre("app=pull,push"));
  for (const char* odd : {"repository:app:fly", "repository:app:", "repository:app:,", "repository:app:PULL",
                          "repository:app:pull\t"})
    EXPECT_THAT(parsed({odd}), IsEmpty()) << odd;
}

TEST(Scope, DropsUnknownTypesAndBadNames) {
  for (const char* odd :
       {"repository", "repository:app", ":", "::", ":app:pull", "plugin:app:pull", "Repository:app:pull",
        "repositoryx:app:pull", "repository(:app:pull", "repository):app:pull", "repository::pull",
        "repository:App:pull", "repository:a//b:pull", "repository:../b:pull",
        "repository:host.example:5000/app:pull", "repository:app@sha256:pull", "registry:catalog",
        "\xff:\xfe:pull"})
    EXPECT_THAT(parsed({odd}), IsEmpty()) << odd;
  EXPECT_THAT(parsed({std::string("repository:a\0b:pull", 19)}), IsEmpty());
  EXPECT_THAT(parsed({"repository:" + std::string(256, 'a') + ":pull"}), IsEmpty());
}

TEST(Scope, RefusesMoreThanTheLimitDroppedOnesIncluded) {
  EXPECT_THAT(parsed({"repository:a:pull repository:b:pull"}, 2), ElementsAre("a=pull", "b=pull"));
  EXPECT_THAT(parse_scopes({"repository:a:pull repository:b:pull", "x"}, 2),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(parse_scopes({"x x x"}, 2), FailsWith(Errc::invalid_argument));
}

TEST(Actions, TellsWhetherAWordIsKnown) {
  Actions actions;
  EXPECT_FALSE(actions.add("remove"));
  EXPECT_FALSE(actions.add(""));
  EXPECT_TRUE(actions.empty());
  EXPECT_TRUE(actions.add("delete"));
  EXPECT_TRUE(actions.has(Action::remove));
  EXPECT_FALSE(actions.all());
  EXPECT_TRUE(actions.add("*"));
  EXPECT_TRUE(actions.all());
}

}  // namespace
}  // namespace bulkhead::access

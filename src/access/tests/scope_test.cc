#include "access/scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"

namespace bulkhead::access {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "name=pull,push" for each scope that was kept.
std::vector<std::string> parsed(const std::vector<std::string>& values, std::size_t limit = 100) {
  std::vector<std::string> kept;
  for (const Scope& scope : parse_scopes(values, limit)) {
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
              ElementsAre("c=pull", "a/b=pull,push"));
}

TEST(Scope, ReadsTheCatalogAsAWholeOnly) {
  const auto scopes = parse_scopes({"registry:catalog:*"}, 1);
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

TEST(Scope, OfMoreThanTheLimitTheLastNamedAreKept) {
  EXPECT_THAT(parsed({"repository:a:pull repository:b:pull", "repository:c:pull"}, 2),
              ElementsAre("b=pull", "c=pull"));
  EXPECT_THAT(parsed({"repository:a:pull", "repository:b:pull", "repository:a:push"}, 2),
              ElementsAre("b=pull", "a=pull,push"));
  EXPECT_THAT(parsed({"repository:a:pull x y repository:UPPER:pull repository:a:pull"}, 1),
              ElementsAre("a=pull"));
  EXPECT_THAT(parsed({"repository:a:pull registry:catalog:*"}, 1), ElementsAre("catalog=pull,push,delete"));
}

TEST(HashedScopes, CoverWhatTheyWereMadeOf) {
  const auto scopes = parse_scopes({"repository:a/b:pull repository:c:push,delete registry:catalog:*"}, 9);
  const HashedScopes hashed(scopes);
  EXPECT_TRUE(hashed.cover("a/b", Action::pull));
  EXPECT_FALSE(hashed.cover("a/b", Action::push));
  EXPECT_TRUE(hashed.cover("c", Action::push));
  EXPECT_TRUE(hashed.cover("c", Action::remove));
  EXPECT_FALSE(hashed.cover("c", Action::pull));
  for (const char* other : {"a", "b", "a/b/c", "catalog", ""})
    EXPECT_FALSE(hashed.cover(other, Action::pull)) << other;
  const auto again = HashedScopes::parse(hashed.render());
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->cover("a/b", Action::pull));
  EXPECT_FALSE(again->cover("a/b", Action::push));
  EXPECT_FALSE(HashedScopes().cover("a", Action::pull));
}

TEST(HashedScopes, ReadNothingButTheirOwnForm) {
  const std::string name(12, 'n');
  const auto parse = [](const std::string& bytes) {
    return HashedScopes::parse(to_base64url(as_bytes(bytes)));
  };
  EXPECT_TRUE(parse(""));
  EXPECT_TRUE(parse(name + "\x01"));
  EXPECT_FALSE(parse(name)) << "no actions";
  EXPECT_FALSE(parse(name + std::string(1, '\0'))) << "none";
  EXPECT_FALSE(parse(name + "\x08")) << "one that there is not";
  EXPECT_FALSE(parse(name + "\x01" + name + "\x01")) << "twice";
  EXPECT_FALSE(parse(std::string(12, 'z') + "\x01" + name + "\x01")) << "out of order";
  EXPECT_FALSE(HashedScopes::parse("####"));
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

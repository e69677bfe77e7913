#include "identity/login/token_scopes.h"

#include <gtest/gtest.h>

namespace bulkhead::identity {
namespace {

TEST(TokenActions, ReadAndWriteOneForm) {
  EXPECT_EQ(TokenActions::parse("push,pull").value().text(), "pull,push");
  EXPECT_EQ(TokenActions::parse("*").value().text(), "pull,push,delete");
  EXPECT_EQ(TokenActions::parse("delete").value(), (TokenActions{false, false, true}));
  for (const char* text : {"", "pull,", ",pull", "Pull", "pull push", "remove", "pull,*x"})
    EXPECT_FALSE(TokenActions::parse(text).has_value()) << text;
}

TEST(TokenScopes, AllowNothingWhenThereAreNone) {
  const TokenScopes none;
  EXPECT_FALSE(none.allow(TokenAction::pull, 1, 2));
  EXPECT_FALSE(none.allow_everywhere(TokenAction::pull));
  EXPECT_FALSE(none.write());
}

TEST(TokenScopes, OfARepositoryAllowThereOnly) {
  const TokenScopes scopes({{0, 7, {true, true, false}}});
  EXPECT_TRUE(scopes.allow(TokenAction::pull, 3, 7));
  EXPECT_TRUE(scopes.allow(TokenAction::push, 3, 7));
  EXPECT_FALSE(scopes.allow(TokenAction::remove, 3, 7));
  EXPECT_FALSE(scopes.allow(TokenAction::pull, 3, 8));
  EXPECT_FALSE(scopes.allow(TokenAction::pull, 7, 0)) << "a repository that does not exist";
  EXPECT_FALSE(scopes.allow(TokenAction::pull, 7, 3)) << "a namespace's id is not a repository's";
  EXPECT_FALSE(scopes.allow_everywhere(TokenAction::pull));
  EXPECT_TRUE(scopes.write());
}

TEST(TokenScopes, OfANamespaceAllowWhatIsAndWillBeInIt) {
  const TokenScopes scopes({{3, 0, {true, false, false}}});
  EXPECT_TRUE(scopes.allow(TokenAction::pull, 3, 7));
  EXPECT_TRUE(scopes.allow(TokenAction::pull, 3, 0));
  EXPECT_FALSE(scopes.allow(TokenAction::pull, 4, 3));
  EXPECT_FALSE(scopes.allow(TokenAction::pull, 0, 0));
  EXPECT_FALSE(scopes.allow(TokenAction::push, 3, 7));
  EXPECT_FALSE(scopes.write());
}

TEST(TokenScopes, OfEverythingAllowEverywhere) {
  const TokenScopes scopes({{0, 0, {true, false, false}}, {3, 0, {false, false, true}}});
  EXPECT_TRUE(scopes.allow(TokenAction::pull, 9, 9));
  EXPECT_TRUE(scopes.allow_everywhere(TokenAction::pull));
  EXPECT_FALSE(scopes.allow_everywhere(TokenAction::remove));
  EXPECT_TRUE(scopes.allow(TokenAction::remove, 3, 5));
}

}  // namespace
}  // namespace bulkhead::identity

#include "registry/tag_pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace bulkhead::registry {
namespace {

TEST(TagPattern, WithoutAStarIsOneTag) {
  EXPECT_TRUE(matches_tag_pattern("v1.0", "v1.0"));
  EXPECT_FALSE(matches_tag_pattern("v1.0", "v1.00"));
  EXPECT_FALSE(matches_tag_pattern("v1.0", "v1"));
  EXPECT_FALSE(matches_tag_pattern("v1.0", "xv1.0"));
  EXPECT_FALSE(matches_tag_pattern("v1.0", "V1.0"));
}

TEST(TagPattern, ADotIsADot) { EXPECT_FALSE(matches_tag_pattern("v1.0", "v1x0")); }

TEST(TagPattern, TheEmptyOneProtectsNothing) {
  EXPECT_FALSE(matches_tag_pattern("", "latest"));
  EXPECT_FALSE(matches_tag_pattern("", ""));
}

TEST(TagPattern, AStarIsAnyRunOfCharacters) {
  EXPECT_TRUE(matches_tag_pattern("*", "anything"));
  EXPECT_TRUE(matches_tag_pattern("v*", "v"));
  EXPECT_TRUE(matches_tag_pattern("v*", "v1.2.3"));
  EXPECT_FALSE(matches_tag_pattern("v*", "1v"));
  EXPECT_TRUE(matches_tag_pattern("*-final", "2-final"));
  EXPECT_FALSE(matches_tag_pattern("*-final", "2-final-not"));
  EXPECT_TRUE(matches_tag_pattern("v*-final", "v-final"));
  EXPECT_FALSE(matches_tag_pattern("v*-final", "v-fina"));
}

TEST(TagPattern, TriesEveryLengthOfARun) {
  EXPECT_TRUE(matches_tag_pattern("*ab", "aab"));
  EXPECT_TRUE(matches_tag_pattern("*aab*b", "aaabab"));
  EXPECT_TRUE(matches_tag_pattern("a*b*c", "a-b-b-c-c"));
  EXPECT_FALSE(matches_tag_pattern("a*b*c", "a-c-b"));
  EXPECT_TRUE(matches_tag_pattern("**v**", "v"));
}

TEST(TagPattern, AnswersAtOnceWhereBacktrackingWouldNot) {
  std::string pattern;
  for (int i = 0; i < 60; ++i) pattern += "*a";
  EXPECT_FALSE(matches_tag_pattern(pattern + "b", std::string(128, 'a')));
}

}  // namespace
}  // namespace bulkhead::registry

#include "transfer/challenge.h"

#include <gtest/gtest.h>

namespace bulkhead::transfer {
namespace {

TEST(Challenge, IsReadWithItsParameters) {
  const auto read = parse_challenges(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push")");
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].scheme, "bearer");
  EXPECT_EQ(read[0].parameters.at("realm"), "https://auth.docker.io/token");
  EXPECT_EQ(read[0].parameters.at("service"), "registry.docker.io");
  EXPECT_EQ(read[0].parameters.at("scope"), "repository:a/b:pull,push");
}

TEST(Challenge, SeveralOfThemStandInOneLine) {
  const auto read = parse_challenges(R"(Negotiate, Basic realm = "a \"b\"", BEARER Realm=x , service=y)");
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[0].scheme, "negotiate");
  EXPECT_EQ(read[1].parameters.at("realm"), "a \"b\"");
  EXPECT_EQ(read[2].parameters.at("realm"), "x");
  EXPECT_EQ(read[2].parameters.at("service"), "y");
}

TEST(Challenge, OfWhatIsNoneTheBeginningCounts) {
  EXPECT_TRUE(parse_challenges("").empty());
  EXPECT_TRUE(parse_challenges("=x").empty());
  EXPECT_EQ(parse_challenges("Basic realm=\"x\", \x01").size(), 1u);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "Basic a=b,";
  EXPECT_EQ(parse_challenges(many).size(), 16u);
}

TEST(NextLink, IsFoundAmongOthers) {
  EXPECT_EQ(next_link("</v2/_catalog?last=b&n=1>; rel=\"next\""), "/v2/_catalog?last=b&n=1");
  EXPECT_EQ(next_link("</a>; rel=\"prev\", </b>; title=\"x, y\"; rel=next"), "/b");
  EXPECT_EQ(next_link("</a>; rel=\"prev\""), std::nullopt);
  EXPECT_EQ(next_link("</a; rel=\"next\""), std::nullopt);
  EXPECT_EQ(next_link(""), std::nullopt);
}

}  // namespace
}  // namespace bulkhead::transfer

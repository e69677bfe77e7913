#include "api/management/conditions.h"

#include <gtest/gtest.h>

namespace bulkhead::api::management {
namespace {

const std::string kTag = etag_of("{}");

TEST(Etag, IsQuotedStrongAndOfTheBytes) {
  EXPECT_EQ(kTag.front(), '"');
  EXPECT_EQ(kTag.back(), '"');
  EXPECT_EQ(etag_of("{}"), kTag);
  EXPECT_NE(etag_of("{ }"), kTag);
}

TEST(Conditions, FindATagInAList) {
  for (const std::string& header :
       {kTag, "\"x\", " + kTag, "\"x\"," + kTag + " , \"y\"", std::string("*"), kTag + ",", "," + kTag}) {
    EXPECT_TRUE(if_match(header, kTag).value()) << header;
    EXPECT_TRUE(if_none_match(header, kTag).value()) << header;
  }
  EXPECT_FALSE(if_match("\"x\"", kTag).value());
  EXPECT_FALSE(if_match("\"\"", kTag).value());
}

TEST(Conditions, TakeWeakTagsOnlyWhereTheyMay) {
  EXPECT_FALSE(if_match("W/" + kTag, kTag).value());
  EXPECT_TRUE(if_none_match("W/" + kTag, kTag).value());
}

TEST(Conditions, RefuseWhatIsNoList) {
  for (const std::string& header :
       {std::string(), std::string("x"), std::string("\"x"), kTag + kTag, std::string("W/x"),
        std::string("*, \"x\""), std::string(","), std::string("\"a b\"")})
    EXPECT_EQ(if_match(header, kTag).error().code, Errc::invalid_argument) << header;
}

}  // namespace
}  // namespace bulkhead::api::management

#include "http/conditions.h"

#include <gtest/gtest.h>

namespace bulkhead::http {
namespace {

const std::string kTag = "\"xyz\"";

TEST(EntityTags, AreReadFromAList) {
  for (const std::string& list :
       {kTag, "\"a\", " + kTag, " " + kTag + "\t,\"a\" ", "," + kTag + ",,", std::string("*")}) {
    const auto tags = EntityTags::parse(list);
    ASSERT_TRUE(tags) << list;
    EXPECT_TRUE(tags->name_strongly(kTag)) << list;
    EXPECT_TRUE(tags->name_weakly(kTag)) << list;
  }
  const auto others = EntityTags::parse("\"xyzz\", \"\", \"\x80,\", W/\"xyz \"");
  EXPECT_FALSE(others) << "a space is no part of a tag";
  EXPECT_FALSE(EntityTags::parse("\"xyzz\", \"\", \"\x80,\"")->name_weakly(kTag));
}

TEST(EntityTags, AreWeakOrStrong) {
  const auto weak = EntityTags::parse("W/" + kTag).value();
  EXPECT_FALSE(weak.name_strongly(kTag));
  EXPECT_TRUE(weak.name_weakly(kTag));
}

TEST(EntityTags, AreNothingElse) {
  for (const std::string list : {"", " ", ",", "x", "\"x", "x\"", "\"x\"\"y\"", "\"x\" \"y\"", "w/\"x\"",
                                 "W/ \"x\"", "W/*", "*, \"x\"", "**", "\"a\tb\"", "\"a\x7f\""})
    EXPECT_EQ(EntityTags::parse(list).error().code, Errc::invalid_argument) << list;
}

Request with(std::vector<HeaderView> headers) {
  Request request;
  request.headers = std::move(headers);
  return request;
}

TEST(Preconditions, HoldOrNot) {
  EXPECT_TRUE(Preconditions::of_change(with({}))->empty());
  const auto match = Preconditions::of_change(with({{"If-Match", "\"a\""}, {"if-match", kTag}})).value();
  EXPECT_TRUE(match.match_holds(kTag));
  EXPECT_FALSE(match.match_holds("\"b\""));
  EXPECT_FALSE(match.match_holds(std::nullopt));
  EXPECT_TRUE(match.none_match_holds(kTag));
  const auto none = Preconditions::of_change(with({{"If-None-Match", "*"}})).value();
  EXPECT_FALSE(none.none_match_holds(kTag));
  EXPECT_TRUE(none.none_match_holds(std::nullopt));
  EXPECT_FALSE(Preconditions::of_change(with({{"If-Match", "*"}}))->match_holds(std::nullopt));
}

TEST(Preconditions, OfAReadForgiveACachesCondition) {
  EXPECT_FALSE(Preconditions::of_change(with({{"If-None-Match", "xyz"}})));
  EXPECT_FALSE(Preconditions::of_read(with({{"If-None-Match", "xyz"}}))->none_match_holds(kTag));
  EXPECT_TRUE(Preconditions::of_read(with({{"If-None-Match", "\"xyz"}}))->none_match_holds(kTag));
  EXPECT_FALSE(Preconditions::of_read(with({{"If-Match", "xyz"}})));
}

TEST(IfRange, IsTheVeryTag) {
  EXPECT_TRUE(range_applies(with({}), kTag));
  EXPECT_TRUE(range_applies(with({{"If-Range", kTag}}), kTag));
  for (const std::string_view other :
       {"", "xyz", "W/\"xyz\"", "\"xy\"", "*", "Tue, 15 Nov 1994 12:45:26 GMT"})
    EXPECT_FALSE(range_applies(with({{"If-Range", other}}), kTag)) << other;
}

}  // namespace
}  // namespace bulkhead::http

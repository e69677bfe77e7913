#include "http/request.h"

#include <gtest/gtest.h>

namespace bulkhead::http {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(PercentDecode, DecodesOnce) {
  EXPECT_EQ(percent_decode("plain/text"), "plain/text");
  EXPECT_EQ(percent_decode("a%2Fb%2fc"), "a/b/c");
  EXPECT_EQ(percent_decode("%2561"), "%61");
  EXPECT_EQ(percent_decode("%c0%AF"), "\xc0\xaf");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode(""), "");
}

TEST(PercentDecode, RefusesWhatIsMalformedAndNul) {
  for (const std::string_view text : {"%", "a%", "a%2", "%g0", "%0g", "%%20", "% 0", "%+1", "%00", "a%00b"})
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
}

TEST(ParseQuery, KeepsOrderAndRepetition) {
  EXPECT_EQ(parse_query("b=1&a=2&b=3"), (Pairs{{"b", "1"}, {"a", "2"}, {"b", "3"}}));
  EXPECT_EQ(parse_query("tag=a%26b&x=%3D"), (Pairs{{"tag", "a&b"}, {"x", "="}}));
  EXPECT_EQ(parse_query("a=b=c"), (Pairs{{"a", "b=c"}}));
  EXPECT_EQ(parse_query("flag&empty=&=value"), (Pairs{{"flag", ""}, {"empty", ""}, {"", "value"}}));
  EXPECT_EQ(parse_query("&&a=1&"), (Pairs{{"a", "1"}}));
  EXPECT_EQ(parse_query(""), Pairs{});
  EXPECT_EQ(parse_query("a=1+2"), (Pairs{{"a", "1+2"}}));
}

TEST(ParseQuery, RefusesWhatIsMalformedAnywhere) {
  EXPECT_EQ(parse_query("a=1&b=%"), std::nullopt);
  EXPECT_EQ(parse_query("%zz=1"), std::nullopt);
  EXPECT_EQ(parse_query("a=%00"), std::nullopt);
}

TEST(ParseForm, TakesAPlusForASpace) {
  EXPECT_EQ(parse_form("a=1+2&b+c=%2B+%20"), (Pairs{{"a", "1 2"}, {"b c", "+  "}}));
  EXPECT_EQ(parse_form("a=%"), std::nullopt);
}

TEST(OneValue, IsNotTwo) {
  const Parameters parameters = {{"a", "1"}, {"b", "2"}, {"a", "1"}, {"b", "3"}};
  EXPECT_EQ(one_value(parameters, "a").value(), "1");
  EXPECT_EQ(one_value(parameters, "c").value(), std::nullopt);
  EXPECT_EQ(one_value(parameters, "b").error().code, Errc::invalid_argument);
}

TEST(Request, AListIsOneInSeveralLines) {
  Request request;
  request.headers = {{"If-Match", "\"a\""}, {"Host", "x"}, {"IF-MATCH", "\"b\", \"c\""}};
  EXPECT_EQ(request.list("if-match"), "\"a\", \"b\", \"c\"");
  EXPECT_EQ(request.list("If-None-Match"), std::nullopt);
}

TEST(EqualsIgnoringCase, KnowsAsciiOnly) {
  EXPECT_TRUE(equals_ignoring_case("Content-LENGTH", "content-length"));
  EXPECT_FALSE(equals_ignoring_case("Content-Length", "Content-Length "));
  EXPECT_FALSE(equals_ignoring_case("a", "b"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_FALSE(equals_ignoring_case("\xc4", "\xe4"));
}

TEST(Request, HasABodyWhenItSaysSo) {
  Request request;
  EXPECT_FALSE(request.has_body());
  request.content_length = 0;
  EXPECT_FALSE(request.has_body());
  request.content_length = 1;
  EXPECT_TRUE(request.has_body());
  Request chunked;
  chunked.chunked = true;
  EXPECT_TRUE(chunked.has_body());
}

}  // namespace
}  // namespace bulkhead::http

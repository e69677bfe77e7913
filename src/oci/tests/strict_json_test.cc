#include "oci/strict_json.h"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>

namespace bulkhead::oci {
namespace {

std::string repeat(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

void expect_refused(std::string_view text) {
  const auto value = parse_strict_json(text);
  ASSERT_FALSE(value) << text;
  EXPECT_EQ(value.error().code, Errc::invalid_argument) << text;
}

TEST(StrictJson, ReadsEveryKindOfValue) {
  const auto value = parse_strict_json(
      "\t{\"a\": [1, -2, 18446744073709551615, 1.5, true, false, null, \"x\\n\\u00e9\\ud83d\\ude00\"], "
      "\"b\": {}}\n");
  ASSERT_TRUE(value) << value.error().message;
  const auto& array = value->at("a").as_array();
  EXPECT_EQ(array.at(0).as_int64(), 1);
  EXPECT_EQ(array.at(1).as_int64(), -2);
  EXPECT_EQ(array.at(2).as_uint64(), 18446744073709551615u);
  EXPECT_EQ(array.at(3).as_double(), 1.5);
  EXPECT_TRUE(array.at(4).as_bool());
  EXPECT_FALSE(array.at(5).as_bool());
  EXPECT_TRUE(array.at(6).is_null());
  EXPECT_EQ(array.at(7).as_string(), "x\n\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_TRUE(value->at("b").as_object().empty());
}

TEST(StrictJson, ReadsScalarsAtTheTop) {
  EXPECT_EQ(parse_strict_json("\"x\"")->as_string(), "x");
  EXPECT_EQ(parse_strict_json("7")->as_int64(), 7);
  EXPECT_TRUE(parse_strict_json("null")->is_null());
}

TEST(StrictJson, RefusesAKeyThatOccursTwice) {
  expect_refused(R"({"a":1,"a":2})");
  expect_refused(R"({"a":1,"b":2,"a":1})");
  expect_refused(R"([{"x":{"a":1,"a":{}}}])");
  expect_refused("{\"a\":1,\"\\u0061\":2}");  // the same key, spelled with an escape
  expect_refused(R"({"":1,"":2})");
  EXPECT_NE(parse_strict_json(R"({"a":1,"a":2})").error().message.find("\"a\" occurs twice"),
            std::string::npos);
}

TEST(StrictJson, AcceptsAKeyAgainInAnotherObject) {
  EXPECT_TRUE(parse_strict_json(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}],"A":3})"));
}

TEST(StrictJson, RefusesWhatIsNotJson) {
  for (const std::string_view text :
       {"",           " ",         "{",        "}",         "[1",        "[1,]",
        "{\"a\":1,}", "{a:1}",     "{'a':1}",  "{\"a\"}",   "{\"a\":}",  "[1 2]",
        "NaN",        "[NaN]",     "Infinity", "-Infinity", "[01]",      "[+1]",
        "[.5]",       "[1.]",      "[0x1]",    "[1e]",      "tru",       "\"a",
        "[\"a\n\"]",  "[\"\\x\"]", "// c\n1",  "1 // c",    "/* c */ 1", "\xef\xbb\xbf{}"}) {
    expect_refused(text);
  }
  expect_refused(std::string_view("[\"a\0\"]", 6));
}

TEST(StrictJson, RefusesBytesAfterTheDocument) {
  for (const std::string_view text : {"{} {}", "{}x", "1 2", "null,", "{}]"}) expect_refused(text);
  expect_refused(std::string_view("{}\0", 3));
}

TEST(StrictJson, RefusesInvalidUtf8) {
  for (const std::string_view bytes : {"\xff", "\xc0\xaf", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                       "\xe2\x82", "\x80", "\xf0\x80\x80\xaf"}) {
    expect_refused("[\"" + std::string(bytes) + "\"]");
    expect_refused("{\"" + std::string(bytes) + "\":1}");
  }
  expect_refused(R"(["\ud800"])");
  expect_refused(R"(["\ude00x"])");
  expect_refused(R"(["\ud800\u0061"])");
}

TEST(StrictJson, RefusesNumbersThatAreNotFinite) {
  expect_refused("1e400");
  expect_refused("[-1e400]");
  expect_refused("1e99999999999999999999");
}

TEST(StrictJson, IntegersPast64BitsAreNoIntegers) {
  EXPECT_TRUE(parse_strict_json("18446744073709551616")->is_double());
  EXPECT_TRUE(parse_strict_json("-9223372036854775809")->is_double());
  EXPECT_EQ(parse_strict_json("9223372036854775807")->as_int64(), 9223372036854775807);
  EXPECT_TRUE(parse_strict_json("9223372036854775808")->is_uint64());
}

TEST(StrictJson, IsAtMost64Deep) {
  EXPECT_TRUE(parse_strict_json(repeat("[", 64) + repeat("]", 64)));
  expect_refused(repeat("[", 65) + repeat("]", 65));
  EXPECT_TRUE(parse_strict_json(repeat("{\"a\":", 64) + "1" + repeat("}", 64)));
  expect_refused(repeat("{\"a\":", 65) + "1" + repeat("}", 65));
  expect_refused(repeat("[", 1'000'000));
}

TEST(StrictJson, HoldsAtMostTheValuesAllowed) {
  const JsonLimits limits{.values = 4};
  EXPECT_TRUE(parse_strict_json("[1,2,3]", limits));
  for (const std::string_view text : {"[1,2,3,4]", "[[],[],[],[]]", R"({"a":1,"b":{"c":2,"d":3}})"}) {
    const auto value = parse_strict_json(text, limits);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, Errc::too_large) << text;
  }
}

TEST(StrictJson, ObjectsHaveAtMostTheMembersAllowed) {
  const auto object_of = [](std::size_t members) {
    std::string text = "{";
    for (std::size_t i = 0; i < members; ++i) text += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":0";
    return text + "}";
  };
  EXPECT_TRUE(parse_strict_json(object_of(kMaxJsonMembers)));
  const auto value = parse_strict_json(object_of(kMaxJsonMembers + 1));
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, Errc::too_large);
}

TEST(StrictJson, SaysWhereItStopped) {
  EXPECT_NE(parse_strict_json(R"({"a": tru})").error().message.find("at byte 9"), std::string::npos);
  EXPECT_NE(parse_strict_json(R"({"a": [1)").error().message.find("at byte 8"), std::string::npos);
  EXPECT_NE(parse_strict_json("{} x").error().message.find("at byte 3"), std::string::npos);
}

TEST(StrictJson, ReadsTextSplitByEscapes) {
  const std::string text = repeat("abc\\t", 5000);
  EXPECT_EQ(parse_strict_json('"' + text + '"')->as_string(), repeat("abc\t", 5000));
  EXPECT_TRUE(parse_strict_json("{\"" + text + "\":1}")->as_object().contains(repeat("abc\t", 5000)));
}

}  // namespace
}  // namespace bulkhead::oci

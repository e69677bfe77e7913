#include "api/management/schema.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <regex>

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;

constexpr std::string_view kColours[] = {"red", "green"};
constexpr Schema kName = text(2, 5, kNameCharacters);
constexpr Schema kNote = text(0, 3);
constexpr Schema kColour = choice(kColours);
constexpr Schema kCount = integer(1, 10);
constexpr Schema kFlag = boolean();
constexpr Schema kNames = list(kName, 2);
constexpr Schema kNotes = map(kNote, 2);
constexpr Schema kPassword = secret_text(4);
constexpr Schema kMaybe = nullable(kCount);
constexpr Field kInnerFields[] = {{"colour", &kColour, "", kRequired}};
constexpr Schema kInner = object("Inner", kInnerFields);
constexpr Schema kInners = list(kInner, 3);
constexpr Field kOuterFields[] = {
    {"name", &kName, "What it is called", kRequired},
    {"note", &kNote},
    {"count", &kCount},
    {"flag", &kFlag},
    {"names", &kNames},
    {"notes", &kNotes},
    {"password", &kPassword},
    {"maybe", &kMaybe},
    {"inners", &kInners},
};
constexpr Schema kOuter = object("Outer", kOuterFields);

// The pointers of what is wrong.
std::vector<std::string> wrong(std::string_view document) {
  std::vector<std::string> out;
  for (const FieldProblem& problem : check(kOuter, json::parse(document))) {
    EXPECT_EQ(problem.place, FieldProblem::Place::body);
    EXPECT_FALSE(problem.detail.empty());
    out.push_back(problem.name);
  }
  return out;
}
using Pointers = std::vector<std::string>;

TEST(Check, AcceptsWhatIsDescribed) {
  EXPECT_EQ(wrong(R"({"name":"ab"})"), Pointers());
  EXPECT_EQ(wrong(R"({"name":"a/b+c","note":"äöü","count":10,"flag":false,"names":["ab","cd"],
                      "notes":{"k":"v"},"password":"a\nb","maybe":null,"inners":[{"colour":"red"}]})"),
            Pointers());
}

TEST(Check, NamesMissingAndUnknownFields) {
  EXPECT_EQ(wrong("{}"), Pointers{"/name"});
  EXPECT_EQ(wrong(R"({"name":"ab","admin":true})"), Pointers{"/admin"});
  EXPECT_EQ(wrong(R"({"name":"ab","a/b~c":1})"), Pointers{"/a~1b~0c"});
  EXPECT_EQ(wrong(R"({"name":"ab","inners":[{"colour":"red"},{"colour":"red","x":1},{}]})"),
            (Pointers{"/inners/1/x", "/inners/2/colour"}));
  EXPECT_EQ(wrong(R"({"Name":"ab"})"), (Pointers{"/name", "/Name"}));
}

TEST(Check, NamesWrongTypes) {
  EXPECT_EQ(wrong("[]"), Pointers{""});
  EXPECT_EQ(wrong(R"({"name":7})"), Pointers{"/name"});
  EXPECT_EQ(wrong(R"({"name":null})"), Pointers{"/name"});
  EXPECT_EQ(wrong(R"({"name":"ab","count":"3","flag":1,"names":{},"notes":[],"maybe":"x","inners":[7]})"),
            (Pointers{"/count", "/flag", "/names", "/notes", "/maybe", "/inners/0"}));
  EXPECT_EQ(wrong(R"({"name":"ab","count":3.0})"), Pointers{"/count"});
}

TEST(Check, HoldsToEveryLimit) {
  EXPECT_EQ(wrong(R"({"name":"a"})"), Pointers{"/name"});
  EXPECT_EQ(wrong(R"({"name":"abcdef"})"), Pointers{"/name"});
  EXPECT_EQ(wrong(R"({"name":"ab","note":"1234"})"), Pointers{"/note"});
  EXPECT_EQ(wrong(R"({"name":"ab","count":0})"), Pointers{"/count"});
  EXPECT_EQ(wrong(R"({"name":"ab","count":11})"), Pointers{"/count"});
  EXPECT_EQ(wrong(R"({"name":"ab","count":18446744073709551615})"), Pointers{"/count"});
  EXPECT_EQ(wrong(R"({"name":"ab","names":["ab","ab","ab"]})"), Pointers{"/names"});
  EXPECT_EQ(wrong(R"({"name":"ab","notes":{"a":"","b":"","c":""}})"), Pointers{"/notes"});
  EXPECT_EQ(wrong(R"({"name":"ab","notes":{"":""}})"), Pointers{"/notes"});
  EXPECT_EQ(wrong(R"({"name":"ab","notes":{")" + std::string(256, 'k') + R"(":""}})"), Pointers{"/notes"});
  EXPECT_EQ(wrong(R"({"name":"ab","password":"12345"})"), Pointers{"/password"});
  EXPECT_EQ(wrong(R"({"name":"ab","inners":[{"colour":"blue"}]})"), Pointers{"/inners/0/colour"});
}

TEST(Check, CountsCharactersAndNotBytes) {
  EXPECT_EQ(wrong(R"({"name":"ab","note":"\uD83D\uDE00\u00e9\u4e2d"})"), Pointers());
}

TEST(Check, RefusesCharactersThatAreNotAllowed) {
  EXPECT_EQ(wrong(R"({"name":"AB"})"), Pointers{"/name"});
  EXPECT_EQ(wrong(R"({"name":"ab","note":"a\nb"})"), Pointers{"/note"});
  EXPECT_EQ(wrong(R"({"name":"ab","note":"a\u0000"})"), Pointers{"/note"});
  EXPECT_EQ(wrong(R"({"name":"ab","note":"\u202e"})"), Pointers{"/note"});
  json::object raw{{"name", "a\xff"}};
  EXPECT_EQ(check(kOuter, raw).size(), 1u);
}

TEST(Check, StopsCounting) {
  json::object many{{"name", "ab"}};
  for (int i = 0; i < 100; ++i) many[std::to_string(i)] = 1;
  EXPECT_EQ(check(kOuter, many).size(), kMaxFieldProblems);
}

TEST(Check, NeverRepeatsAValue) {
  for (const FieldProblem& problem :
       check(kOuter, json::parse(R"({"name":"ab","password":"hunter2hunter2","note":"hunter2"})")))
    EXPECT_EQ(problem.detail.find("hunter2"), std::string::npos);
}

// The pattern in the document and the check are made from the same ranges; here that is seen from outside.
TEST(Characters, AreWhatTheirPatternSays) {
  for (const Characters* characters : {&kPrintable, &kNameCharacters, &kVisible}) {
    const std::string text = characters->pattern();
    const std::wregex pattern(std::wstring(text.begin(), text.end()), std::regex::ECMAScript);
    for (int c = 0; c < 0x2070; ++c)
      EXPECT_EQ(std::regex_match(std::wstring(1, static_cast<wchar_t>(c)), pattern),
                characters->has(static_cast<char32_t>(c)))
          << text << " and " << c;
  }
}

TEST(ReadParameter, ReadsByKind) {
  EXPECT_EQ(read_parameter(kCount, "7"), json::value(7));
  EXPECT_EQ(read_parameter(kFlag, "true"), json::value(true));
  EXPECT_EQ(read_parameter(kNote, "x"), json::value("x"));
  for (const std::string_view text : {"", "7x", " 7", "+7", "0x7", "99999999999999999999"})
    EXPECT_EQ(read_parameter(kCount, text), std::nullopt) << text;
  for (const std::string_view text : {"", "1", "True", "yes"})
    EXPECT_EQ(read_parameter(kFlag, text), std::nullopt) << text;
}

TEST(Describe, SaysWhatIsChecked) {
  const json::object outer = describe_object(kOuter, true);
  EXPECT_EQ(outer.at("additionalProperties"), false);
  EXPECT_EQ(outer.at("required"), (json::array{"name"}));
  const json::object& properties = outer.at("properties").as_object();
  EXPECT_EQ(properties.size(), std::size(kOuterFields));
  EXPECT_EQ(properties.at("name"), (json::object{{"type", "string"},
                                                 {"minLength", 2},
                                                 {"maxLength", 5},
                                                 {"pattern", kNameCharacters.pattern()},
                                                 {"description", "What it is called"}}));
  EXPECT_EQ(properties.at("count"),
            (json::object{{"type", "integer"}, {"format", "int64"}, {"minimum", 1}, {"maximum", 10}}));
  EXPECT_EQ(properties.at("maybe").at("type"), (json::array{"integer", "null"}));
  EXPECT_EQ(properties.at("password").at("writeOnly"), true);
  EXPECT_EQ(properties.at("names").at("maxItems"), 2);
  EXPECT_EQ(properties.at("notes").at("maxProperties"), 2);
  EXPECT_EQ(properties.at("inners").at("items").at("$ref"), "#/components/schemas/Inner");
  EXPECT_EQ(describe(kColour, true).at("enum"), (json::array{"red", "green"}));
  EXPECT_FALSE(describe_object(kOuter, false).contains("additionalProperties"));
}

}  // namespace
}  // namespace bulkhead::api::management

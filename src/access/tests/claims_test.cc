#include "access/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "db/testing/database_contract.h"

namespace bulkhead::access {
namespace {

namespace json = boost::json;
using db::testing::FailsWith;
using db::testing::Succeeds;

constexpr std::string_view kGood =
    R"({"iss":"bulkhead","aud":"bulkhead","sub":"17","name":"alice","ver":3,"jti":"0a1b","tok":4,"cap":"n3:pull,push r7:pull *:delete","par":"",)"
    R"("iat":1767225600,"nbf":1767225600,"exp":1767225900,)"
    R"("access":[{"type":"repository","name":"alice/app","actions":["pull","push"]},)"
    R"({"type":"registry","name":"catalog","actions":["*"]}]})";

json::object good() { return json::parse(kGood).as_object(); }

Result<Claims> parse_with(std::string_view claim, json::value value) {
  json::object claims = good();
  claims[claim] = std::move(value);
  return parse_claims(json::serialize(claims));
}

TEST(Claims, AreReadInTheirOneShape) {
  const auto claims = parse_claims(kGood);
  ASSERT_THAT(claims, Succeeds());
  EXPECT_EQ(claims->issuer, "bulkhead");
  EXPECT_EQ(claims->audience, "bulkhead");
  EXPECT_EQ(claims->account_id, 17);
  EXPECT_EQ(claims->account, "alice");
  EXPECT_EQ(claims->credential_version, 3);
  EXPECT_EQ(claims->token_id, "0a1b");
  EXPECT_EQ(to_rfc3339(claims->issued_at), "2026-01-01T00:00:00.000000Z");
  EXPECT_EQ(to_rfc3339(claims->expires_at), "2026-01-01T00:05:00.000000Z");
  ASSERT_EQ(claims->scopes.size(), 2u);
  EXPECT_EQ(claims->scopes[0].name, "alice/app");
  EXPECT_TRUE(claims->scopes[0].actions.has(Action::push));
  EXPECT_FALSE(claims->scopes[0].actions.has(Action::remove));
  EXPECT_EQ(claims->scopes[1].type, Scope::Type::catalog);
}

TEST(Claims, AreWrittenAsTheyAreRead) { EXPECT_EQ(render_claims(parse_claims(kGood).value()), kGood); }

TEST(Claims, NameNobodyForAnonymousCallers) {
  json::object claims = good();
  claims["sub"] = "";
  claims["name"] = "";
  claims["ver"] = 0;
  EXPECT_THAT(parse_claims(json::serialize(claims)), FailsWith(Errc::unauthenticated)) << "with a token";
  claims["tok"] = 0;
  const auto parsed = parse_claims(json::serialize(claims));
  ASSERT_THAT(parsed, Succeeds());
  EXPECT_EQ(parsed->account_id, 0);
  claims["par"] = "0a1b";
  EXPECT_THAT(parse_claims(json::serialize(claims)), FailsWith(Errc::unauthenticated)) << "made with another";
  claims["par"] = "";
  claims["name"] = "alice";
  EXPECT_THAT(parse_claims(json::serialize(claims)), FailsWith(Errc::unauthenticated));
}

TEST(Claims, NameTheTokenThatTheyWereMadeWith) {
  EXPECT_EQ(parse_claims(kGood)->parent_id, "");
  EXPECT_EQ(parse_with("par", "0a1c")->parent_id, "0a1c");
  EXPECT_THAT(parse_with("par", json::string(std::string(65, 'a'))), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(parse_with("par", nullptr), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(parse_with("par", 7), FailsWith(Errc::unauthenticated));
}

TEST(Claims, SayWhatTheCredentialMayAtMost) {
  const auto claims = parse_claims(kGood);
  ASSERT_THAT(claims, Succeeds());
  EXPECT_EQ(claims->access_token_id, 4);
  const std::vector<identity::TokenScope> expected = {
      {3, 0, {true, true, false}}, {0, 7, {true, false, false}}, {0, 0, {false, false, true}}};
  ASSERT_TRUE(claims->ceiling.has_value());
  EXPECT_EQ(claims->ceiling->list(), expected);
  EXPECT_FALSE(parse_with("cap", "*")->ceiling.has_value());
  const auto nothing = parse_with("cap", "");
  ASSERT_TRUE(nothing->ceiling.has_value()) << "no scope is not no limit";
  EXPECT_TRUE(nothing->ceiling->list().empty());
  for (const char* wrong :
       {" ", "* ", "**", "*:", "*:*", "*:push,pull", "n:pull", "n0:pull", "n-1:pull", "n03:pull", "x3:pull",
        "3:pull", "n3", "n3:pull ", " n3:pull", "n3:pull  r7:pull", "n3:write", "n99999999999999999999:pull"})
    EXPECT_THAT(parse_with("cap", wrong), FailsWith(Errc::unauthenticated)) << wrong;
}

TEST(Claims, AreAllRequired) {
  for (const auto& member : good()) {
    json::object claims = good();
    claims.erase(member.key());
    EXPECT_THAT(parse_claims(json::serialize(claims)), FailsWith(Errc::unauthenticated)) << member.key();
  }
}

TEST(Claims, AreRefusedInAnyOtherType) {
  const json::value others[] = {
      nullptr, true, 1.5, -1, json::array{"bulkhead"}, json::object{}, 18446744073709551615u};
  for (const auto& member : good()) {
    for (const json::value& other : others) {
      EXPECT_THAT(parse_with(member.key(), other), FailsWith(Errc::unauthenticated))
          << member.key() << ": " << json::serialize(other);
    }
    if (!member.value().is_string())
      EXPECT_THAT(parse_with(member.key(), "17"), FailsWith(Errc::unauthenticated)) << member.key();
    else
      EXPECT_THAT(parse_with(member.key(), 17), FailsWith(Errc::unauthenticated)) << member.key();
  }
}

TEST(Claims, TakeAnAccountIdInOneSpellingOnly) {
  for (const char* id :
       {"0", "-1", "017", "+17", " 17", "17 ", "0x11", "17.0", "9223372036854775808", "alice"})
    EXPECT_THAT(parse_with("sub", id), FailsWith(Errc::unauthenticated)) << id;
}

TEST(Claims, TakeTimesThatCanBeCounted) {
  for (const char* claim : {"iat", "nbf", "exp"}) {
    EXPECT_THAT(parse_with(claim, 253402300799), Succeeds());
    EXPECT_THAT(parse_with(claim, 253402300800), FailsWith(Errc::unauthenticated));
    EXPECT_THAT(parse_with(claim, 9223372036854775807), FailsWith(Errc::unauthenticated));
  }
}

TEST(Claims, RefuseTenThousandAudiences) {
  json::array audiences;
  for (int i = 0; i < 10'000; ++i) audiences.emplace_back("bulkhead");
  EXPECT_THAT(parse_with("aud", audiences), FailsWith(Errc::unauthenticated));
}

TEST(Claims, RefuseAccessOfAnotherShape) {
  for (const char* access :
       {R"({})", R"(["repository:a:pull"])", R"([null])", R"([{}])", R"([{"type":"repository","name":"a"}])",
        R"([{"type":"repository","name":"a","actions":"pull"}])",
        R"([{"type":"repository","name":"a","actions":[1]}])",
        R"([{"type":1,"name":"a","actions":["pull"]}])",
        R"([{"type":"repository","name":null,"actions":["pull"]}])"})
    EXPECT_THAT(parse_with("access", json::parse(access)), FailsWith(Errc::unauthenticated)) << access;
}

TEST(Claims, PassOverPermissionsTheyDoNotKnow) {
  const auto claims = parse_with("access", json::parse(R"([{"type":"build","name":"a","actions":["run"]},
      {"type":"repository","name":"a","actions":["sign","pull"]}])"));
  ASSERT_THAT(claims, Succeeds());
  ASSERT_EQ(claims->scopes.size(), 1u);
  EXPECT_EQ(claims->scopes[0].actions.render(), std::vector<std::string>{"pull"});
}

TEST(Claims, AreStrictJson) {
  const std::string text(kGood);
  EXPECT_THAT(parse_claims(""), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(parse_claims("[]"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(parse_claims(text + "x"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(parse_claims(R"({"iss":"bulkhead",)" + text.substr(1)), FailsWith(Errc::unauthenticated))
      << "twice";
  EXPECT_THAT(parse_with("jti", json::string(65, 'a')), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(parse_with("jti", ""), FailsWith(Errc::unauthenticated));
}

}  // namespace
}  // namespace bulkhead::access

#include "identity/workload/workload_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>

#include "db/testing/database_contract.h"
#include "identity/workload/workload_presets.h"

namespace bulkhead::identity {
namespace {

using db::testing::FailsWith;
using db::testing::Succeeds;

constexpr std::string_view kOwn = "https://ci.example";
constexpr std::string_view kGitHub = "https://token.actions.githubusercontent.com";

JwtClaims claims(const boost::json::object& all) {
  JwtClaims claims;
  claims.all = std::make_shared<boost::json::object>(all);
  return claims;
}

bool accepts(const std::string& pattern, const std::string& value) {
  return matches({{"c", pattern}}, claims({{"c", value}}));
}

TEST(ClaimRule, MatchesExactValuesAndRuns) {
  EXPECT_TRUE(accepts("main", "main"));
  EXPECT_FALSE(accepts("main", "Main"));
  EXPECT_FALSE(accepts("main", "main2"));
  EXPECT_FALSE(accepts("main", ""));
  EXPECT_TRUE(accepts("refs/heads/*", "refs/heads/"));
  EXPECT_TRUE(accepts("refs/heads/*", "refs/heads/a/b"));
  EXPECT_FALSE(accepts("refs/heads/*", "xrefs/heads/a"));
  EXPECT_TRUE(accepts("*:ref:*:x", "a:ref:b:ref:c:x"));
  EXPECT_FALSE(accepts("*:ref:*:x", "a:ref:x"));
  EXPECT_TRUE(accepts("a**b", "ab"));
  EXPECT_FALSE(accepts("a.c", "abc"));
  EXPECT_FALSE(accepts("a?c", "abc"));
  EXPECT_FALSE(accepts("[a-z]", "b"));
}

TEST(ClaimRule, AsksForEveryClaim) {
  const ClaimRule rule = {{"a", "1"}, {"b", "x*"}};
  EXPECT_TRUE(matches(rule, claims({{"a", 1}, {"b", "xy"}, {"c", true}})));
  EXPECT_FALSE(matches(rule, claims({{"a", 1}})));
  EXPECT_FALSE(matches(rule, claims({{"a", 2}, {"b", "xy"}})));
  EXPECT_FALSE(matches(rule, claims({{"a", boost::json::array({"1"})}, {"b", "x"}})));
}

TEST(ClaimRule, MatchesInTimeWhateverThePattern) {
  std::string pattern;
  while (pattern.size() + 2 < kLongestClaimValue) pattern += "a*";
  EXPECT_FALSE(accepts(pattern + "b", std::string(16'000, 'a')));
}

TEST(ClaimRule, MustSayWhoseTokensItAccepts) {
  for (const ClaimRule& rule :
       {ClaimRule{}, ClaimRule{{"ref", "main"}}, ClaimRule{{"sub", "*"}}, ClaimRule{{"sub", "repo:*"}},
        ClaimRule{{"repository_owner_id", "1*"}}, ClaimRule{{"repository", "acme/app"}}})
    EXPECT_THAT(check_rule(kOwn, rule), FailsWith(Errc::invalid_argument)) << render_rule(rule);
  EXPECT_THAT(check_rule(kOwn, {{"sub", "job:17"}}), Succeeds());
  EXPECT_THAT(check_rule(kOwn, {{"project_id", "17"}, {"ref", "v*"}}), Succeeds());
  EXPECT_THAT(check_rule(kOwn, {{"/kubernetes.io/serviceaccount/uid", "u"}}), Succeeds());
}

TEST(ClaimRule, MustPinAnIdWhereTheIssuerServesEverybody) {
  EXPECT_THAT(check_rule(kGitHub, {{"sub", "repo:acme/app:ref:refs/heads/main"}}),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(check_rule("https://gitlab.com", {{"sub", "project_path:acme/app:ref_type:branch:ref:main"}}),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(check_rule(kGitHub, {{"repository_owner_id", "17"}, {"sub", "repo:acme/*"}}), Succeeds());
}

TEST(ClaimRule, IsBounded) {
  ClaimRule rule = {{"sub", "x"}};
  for (std::size_t i = 1; i < kMostClaims; ++i) rule.emplace("c" + std::to_string(i), "v");
  EXPECT_THAT(check_rule(kOwn, rule), Succeeds());
  rule.emplace("one more", "v");
  EXPECT_THAT(check_rule(kOwn, rule), FailsWith(Errc::invalid_argument));

  EXPECT_THAT(check_rule(kOwn, {{"sub", std::string(kLongestClaimValue, 'x')}}), Succeeds());
  EXPECT_THAT(check_rule(kOwn, {{"sub", std::string(kLongestClaimValue + 1, 'x')}}),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(check_rule(kOwn, {{"sub", "x"}, {std::string(kLongestClaimName, 'n'), "v"}}), Succeeds());
  EXPECT_THAT(check_rule(kOwn, {{"sub", "x"}, {std::string(kLongestClaimName + 1, 'n'), "v"}}),
              FailsWith(Errc::invalid_argument));
}

TEST(ClaimRule, RefusesClaimsThatAreNoneOfItsBusiness) {
  for (const char* name : {"iss", "aud", "exp", "iat", "nbf", "jti", "", "a\nb"})
    EXPECT_THAT(check_rule(kOwn, {{"sub", "x"}, {name, "v"}}), FailsWith(Errc::invalid_argument)) << name;
  for (const char* value : {"", "*", "***", "a\x01"})
    EXPECT_THAT(check_rule(kOwn, {{"sub", "x"}, {"c", value}}), FailsWith(Errc::invalid_argument)) << value;
}

TEST(ClaimRule, ComesBackFromTheDatabase) {
  const ClaimRule rule = {{"sub", "a\"b\\c"}, {"/x~1y", "*é"}};
  EXPECT_EQ(parse_rule(render_rule(rule)).value(), rule);
  for (const char* text : {"", "{}", "[]", R"({"a":1})", R"({"a":"b","a":"c"})"})
    EXPECT_THAT(parse_rule(text), FailsWith(Errc::corrupt)) << text;
}

TEST(WorkloadPresets, KnowTheirIssuersAndIds) {
  EXPECT_EQ(find_preset("github"), preset_of_issuer(kGitHub));
  EXPECT_EQ(find_preset("gitlab"), preset_of_issuer("https://gitlab.com"));
  EXPECT_NE(find_preset("kubernetes"), nullptr);
  EXPECT_EQ(find_preset("GitHub"), nullptr);
  EXPECT_EQ(preset_of_issuer(""), nullptr);
  EXPECT_EQ(preset_of_issuer(kOwn), nullptr);
  EXPECT_TRUE(is_immutable_claim("repository_owner_id"));
  EXPECT_FALSE(is_immutable_claim("repository_owner"));
  EXPECT_FALSE(is_immutable_claim("sub"));
}

}  // namespace
}  // namespace bulkhead::identity

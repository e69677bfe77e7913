#include "identity/federation/oidc_person.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "db/testing/database_contract.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;

using db::testing::FailsWith;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Result<ExternalPerson> person(json::object claims, const OidcSettings& settings = {},
                              std::string_view subject = "sub") {
  JwtClaims read;
  read.subject = subject;
  read.all = std::make_shared<const json::object>(std::move(claims));
  return person_of(read, settings);
}

bool two_factors(json::array methods, bool trusted = true) {
  OidcSettings settings;
  settings.trust_factors = trusted;
  return person({{"amr", std::move(methods)}}, settings)->multi_factor;
}

TEST(OidcPersonTest, TakesAbsentAndNullClaimsAsEmpty) {
  const auto nobody =
      person({{"name", nullptr}, {"email", nullptr}, {"groups", nullptr}, {"email_verified", true}});
  ASSERT_TRUE(nobody.has_value());
  EXPECT_EQ(nobody->subject, "sub");
  EXPECT_EQ(nobody->name + nobody->display_name + nobody->email, "");
  EXPECT_FALSE(nobody->email_verified);
  EXPECT_THAT(nobody->groups, IsEmpty());
}

TEST(OidcPersonTest, ReadsTheClaimsThatTheSettingsName) {
  OidcSettings settings;
  settings.name_claim = "upn";
  settings.groups_claim = "/realm_access/roles";
  const auto found = person({{"upn", "dora@example.com"},
                             {"email", "d@example.com"},
                             {"email_verified", "true"},
                             {"realm_access", json::object{{"roles", json::array{"b", "a", "b", ""}}}}},
                            settings);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->name, "dora@example.com");
  EXPECT_TRUE(found->email_verified);
  EXPECT_THAT(found->groups, ElementsAre("a", "b"));
}

TEST(OidcPersonTest, TakesOneGroupThatIsNoList) {
  EXPECT_THAT(person({{"groups", "devs"}})->groups, ElementsAre("devs"));
  EXPECT_FALSE(person({{"email", "a@b.example"}, {"email_verified", "yes"}})->email_verified);
}

TEST(OidcPersonTest, RefusesASubjectThatIsNone) {
  const auto refused = FailsWith(Errc::denied);
  EXPECT_THAT(person({}, {}, ""), refused);
  EXPECT_THAT(person({}, {}, std::string(256, 's')), refused);
  EXPECT_TRUE(person({}, {}, std::string(255, 's')).has_value());
  EXPECT_THAT(person({}, {}, "a\nb"), refused);
}

TEST(OidcPersonTest, TakesWhatCannotBeReadAsEmpty) {
  EXPECT_EQ(person({{"preferred_username", "a\x7f"}})->name, "");
  EXPECT_EQ(person({{"preferred_username", json::array{"a"}}})->name, "");
  EXPECT_EQ(person({{"name", "a\x1b[2J"}})->display_name, "");
  EXPECT_EQ(person({{"email", std::string(513, 'e')}, {"email_verified", true}})->email, "");
  EXPECT_FALSE(person({{"email", json::array{"a@b.c"}}, {"email_verified", true}})->email_verified);
}

TEST(OidcPersonTest, TakesOfTheGroupsWhatIsText) {
  const std::string longest(512, 'g');
  const auto found = person({{"groups", json::array{"b", 7, nullptr, "a\n", longest + "g", "a", longest}}});
  ASSERT_TRUE(found.has_value());
  EXPECT_THAT(found->groups, ElementsAre("a", "b", longest));
  EXPECT_TRUE(found->groups_complete) << "what is no text is no group";
  EXPECT_THAT(found->groups_note, HasSubstr("4 of the groups"));
  for (const json::value& odd : {json::value(7), json::value(true), json::value(json::object{{"dev", 1}})}) {
    const auto none = person({{"groups", odd}});
    ASSERT_TRUE(none.has_value());
    EXPECT_THAT(none->groups, IsEmpty());
    EXPECT_NE(none->groups_note, "");
    EXPECT_FALSE(none->groups_complete);
  }
  EXPECT_EQ(person({{"groups", json::array{"a"}}})->groups_note, "");
}

TEST(OidcPersonTest, SaysWhereGroupsAreMissing) {
  EXPECT_TRUE(person({{"groups", json::array(1000, "g")}})->groups_complete);
  const auto many = person({{"groups", json::array(1001, "g")}});
  ASSERT_TRUE(many.has_value());
  EXPECT_FALSE(many->groups_complete);
  EXPECT_THAT(many->groups, ElementsAre("g"));
  EXPECT_THAT(many->groups_note, HasSubstr("1001 groups"));
  const auto elsewhere = person({{"_claim_names", json::object{{"groups", "src1"}}}});
  ASSERT_TRUE(elsewhere.has_value());
  EXPECT_FALSE(elsewhere->groups_complete);
  EXPECT_THAT(elsewhere->groups_note, HasSubstr("too many"));
  OidcSettings without;
  without.groups_claim = "";
  EXPECT_TRUE(person({{"groups", 7}, {"_claim_names", json::object{{"", "x"}}}}, without)->groups_complete);
}

TEST(OidcPersonTest, KnowsWhatIsWorthAskingFor) {
  const auto lacks = [](json::object claims, const OidcSettings& settings = {}) {
    JwtClaims read;
    read.all = std::make_shared<const json::object>(std::move(claims));
    return std::pair(lacks_something(read, settings), lacks_name_or_groups(read, settings));
  };
  const json::object full{
      {"preferred_username", "a"}, {"groups", json::array{}}, {"name", "A"}, {"email", "a@b"}};
  EXPECT_EQ(lacks(full), std::pair(false, false));
  for (const char* name : {"preferred_username", "groups", "name", "email"}) {
    auto less = full;
    less.erase(name);
    const bool needed = std::string_view(name) == "preferred_username" || std::string_view(name) == "groups";
    EXPECT_EQ(lacks(less), std::pair(true, needed)) << name;
  }
  OidcSettings without;
  without.groups_claim = "";
  auto less = full;
  less.erase("groups");
  EXPECT_EQ(lacks(less, without), std::pair(false, false));
}

TEST(OidcPersonTest, CountsFactorsOfDifferentKindsWhereTheProviderIsTrusted) {
  EXPECT_TRUE(two_factors({"mfa"}));
  EXPECT_TRUE(two_factors({"pwd", "otp"}));
  EXPECT_TRUE(two_factors({"hwk", "fpt"}));
  EXPECT_TRUE(two_factors({"swk", "pin"}));
  EXPECT_FALSE(two_factors({"pwd"}));
  EXPECT_FALSE(two_factors({"otp"}));
  EXPECT_FALSE(two_factors({"hwk", "otp"}));
  EXPECT_FALSE(two_factors({"pwd", "pin"}));
  EXPECT_FALSE(two_factors({"pwd", "sms"}));
  EXPECT_FALSE(two_factors({7, "MFA"}));
  EXPECT_FALSE(two_factors({}));
  EXPECT_FALSE(two_factors({"mfa"}, false));
  OidcSettings trusting;
  trusting.trust_factors = true;
  EXPECT_FALSE(person({{"amr", "mfa"}}, trusting)->multi_factor);
}

}  // namespace
}  // namespace bulkhead::identity

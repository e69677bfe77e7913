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

TEST(OidcPersonTest, RefusesWhatIsTooLongOrControlsSomething) {
  const auto refused = FailsWith(Errc::denied);
  EXPECT_THAT(person({}, {}, ""), refused);
  EXPECT_THAT(person({}, {}, std::string(256, 's')), refused);
  EXPECT_TRUE(person({}, {}, std::string(255, 's')).has_value());
  EXPECT_THAT(person({}, {}, "a\nb"), refused);
  EXPECT_THAT(person({{"preferred_username", "a\x7f"}}), refused);
  EXPECT_THAT(person({{"preferred_username", json::array{"a"}}}), refused);
  EXPECT_THAT(person({{"name", "a\x1b[2J"}}), refused);
  EXPECT_THAT(person({{"email", std::string(513, 'e')}}), refused);
  EXPECT_THAT(person({{"groups", 7}}), refused);
  EXPECT_THAT(person({{"groups", json::array{"a", 7}}}), refused);
  EXPECT_THAT(person({{"groups", json::array{"a\n"}}}), refused);
  EXPECT_THAT(person({{"groups", std::string(257, 'g')}}), refused);
  EXPECT_TRUE(person({{"groups", std::string(256, 'g')}}).has_value());
}

TEST(OidcPersonTest, RefusesTooManyGroupsAndSaysSo) {
  EXPECT_TRUE(person({{"groups", json::array(1000, "g")}}).has_value());
  const auto many = person({{"groups", json::array(1001, "g")}});
  ASSERT_TRUE(many.has_error());
  EXPECT_EQ(many.error().code, Errc::denied);
  EXPECT_THAT(many.error().message, HasSubstr("more than 1000 groups"));
  const auto elsewhere = person({{"_claim_names", json::object{{"groups", "src1"}}}});
  ASSERT_TRUE(elsewhere.has_error());
  EXPECT_THAT(elsewhere.error().message, HasSubstr("too many groups"));
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

#include "api/management/change_rate.h"

#include <gtest/gtest.h>

namespace bulkhead::api::management {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Time kNow{std::chrono::hours(1'000'000)};

TEST(ChangeRate, AnHoursChangesMayComeAtOnceAndThenOneByOne) {
  ChangeRate rate(60);
  for (int i = 0; i < 60; ++i) ASSERT_FALSE(rate.take("alice", kNow)) << i;
  EXPECT_EQ(rate.take("alice", kNow), minutes(1));
  EXPECT_EQ(rate.take("alice", kNow + seconds(18)), seconds(42)) << "being refused costs nothing";
  EXPECT_FALSE(rate.take("alice", kNow + minutes(1)));
  EXPECT_EQ(rate.take("alice", kNow + minutes(1)), minutes(1));
}

TEST(ChangeRate, OneAccountTakesNothingFromAnother) {
  ChangeRate rate(1);
  EXPECT_FALSE(rate.take("alice", kNow));
  EXPECT_TRUE(rate.take("alice", kNow));
  EXPECT_FALSE(rate.take("bob", kNow));
}

TEST(ChangeRate, AWaitIsNeverToldTooShort) {
  ChangeRate rate(7);
  while (!rate.take("alice", kNow)) continue;
  const auto wait = rate.take("alice", kNow);
  ASSERT_TRUE(wait);
  EXPECT_FALSE(rate.take("alice", kNow + *wait));
}

TEST(ChangeRate, AClockThatIsSetBackShutsNobodyOutForLonger) {
  ChangeRate rate(2);
  while (!rate.take("alice", kNow)) continue;
  EXPECT_LE(rate.take("alice", kNow - std::chrono::hours(24)).value(), minutes(30));
}

TEST(ChangeRate, WhoHasMadeNoChangeForAnHourIsForgotten) {
  ChangeRate rate(3600);
  for (int i = 0; i < 5000; ++i) rate.take(std::to_string(i), kNow);
  for (int i = 5000; i < 10'000; ++i) rate.take(std::to_string(i), kNow + minutes(5));
  EXPECT_LT(rate.size(), 7000U);
}

}  // namespace
}  // namespace bulkhead::api::management

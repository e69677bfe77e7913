#include "base/clock.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

TEST(Rfc3339, WritesMicrosecondsInUtc) {
  EXPECT_EQ(to_rfc3339(from_micros(0)), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(to_rfc3339(from_micros(1'709'210'096'000'007)), "2024-02-29T12:34:56.000007Z");
  EXPECT_EQ(to_rfc3339(from_micros(253'402'300'799'999'999)), "9999-12-31T23:59:59.999999Z");
}

TEST(Rfc3339, CountsBackwardsBeforeTheEpoch) {
  EXPECT_EQ(to_rfc3339(from_micros(-1)), "1969-12-31T23:59:59.999999Z");
}

TEST(Time, SurvivesTheWayThroughAnInteger) {
  const Time now = SystemClock().now();
  EXPECT_EQ(from_micros(to_micros(now)), now);
}

TEST(SystemClock, IsTheTimeOfDay) {
  const auto before = std::chrono::system_clock::now();
  const auto now = SystemClock().now();
  const auto after = std::chrono::system_clock::now();
  EXPECT_GE(now, std::chrono::floor<std::chrono::microseconds>(before));
  EXPECT_LE(now, after);
}

}  // namespace
}  // namespace bulkhead

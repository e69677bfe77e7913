#include "crypto/otp.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace bulkhead::crypto {
namespace {

constexpr std::string_view kSeed = "12345678901234567890";

Time at(std::int64_t seconds) { return Time{std::chrono::seconds{seconds}}; }

std::string code_at(std::int64_t seconds, unsigned digits = kOtpDigits) {
  return std::string(
      hotp(as_bytes(kSeed), static_cast<std::uint64_t>(totp_step(at(seconds))), digits).reveal());
}

TEST(Hotp, GivesTheCodesOfRfc4226AppendixD) {
  const char* const codes[] = {"755224", "287082", "359152", "969429", "338314",
                               "254676", "287922", "162583", "399871", "520489"};
  for (std::uint64_t counter = 0; counter < 10; ++counter)
    EXPECT_EQ(hotp(as_bytes(kSeed), counter).reveal(), codes[counter]) << counter;
}

TEST(Hotp, HasNoCodesOfOtherLengths) {
  EXPECT_THROW(static_cast<void>(hotp(as_bytes(kSeed), 0, 5)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(hotp(as_bytes(kSeed), 0, 9)), std::invalid_argument);
}

TEST(Totp, GivesTheCodesOfRfc6238AppendixB) {
  EXPECT_EQ(code_at(59, 8), "94287082");
  EXPECT_EQ(code_at(1111111109, 8), "07081804");
  EXPECT_EQ(code_at(1111111111, 8), "14050471");
  EXPECT_EQ(code_at(1234567890, 8), "89005924");
  EXPECT_EQ(code_at(2000000000, 8), "69279037");
  EXPECT_EQ(code_at(20000000000, 8), "65353130");
}

TEST(Totp, AStepIsThirtySeconds) {
  EXPECT_EQ(totp_step(at(0)), 0);
  EXPECT_EQ(totp_step(at(30) - std::chrono::microseconds{1}), 0);
  EXPECT_EQ(totp_step(at(30)), 1);
  EXPECT_EQ(totp_step(at(-31)), 0) << "a clock set before 1970";
}

TEST(Totp, MatchesOneStepEitherWayAndNoFurther) {
  const Time now = at(1111111109);
  const std::int64_t step = totp_step(now);
  const auto match = [&](std::int64_t offset) {
    return matching_totp_step(as_bytes(kSeed), code_at(1111111109 + offset * kTotpPeriodSeconds), now);
  };
  EXPECT_EQ(match(-2), std::nullopt);
  EXPECT_EQ(match(-1), step - 1);
  EXPECT_EQ(match(0), step);
  EXPECT_EQ(match(1), step + 1);
  EXPECT_EQ(match(2), std::nullopt);
}

TEST(Totp, MatchesNothingButTheWholeCode) {
  const Time now = at(59);
  ASSERT_EQ(code_at(59), "287082");
  for (const char* code : {"", "28708", "2870820", "287083", " 287082", "94287082"})
    EXPECT_EQ(matching_totp_step(as_bytes(kSeed), code, now), std::nullopt) << code;
}

}  // namespace
}  // namespace bulkhead::crypto

#include "identity/secrets/code_limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "db/testing/database_contract.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using db::testing::FailsWith;
using db::testing::Succeeds;

class CodeLimiterTest : public ::testing::Test {
 protected:
  Result<void> attempt(std::int64_t account, bool right, const GuessSource& source = {"home"}) {
    return limiter_.attempt(account, source, [&]() -> Result<bool> {
      ++looked_;
      return right;
    });
  }

  testing::ManualClock clock_;
  CodeLimiter limiter_{clock_,
                       {.per_source = 3, .window = 60s, .in_all = 5, .per_network = 0, .remembered = 100}};
  int looked_ = 0;
};

TEST_F(CodeLimiterTest, RefusesUnreadAfterTooManyWrongOnes) {
  for (int i = 0; i < 3; ++i) EXPECT_THAT(attempt(1, false), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(attempt(1, true), FailsWith(Errc::rate_limited));
  EXPECT_EQ(looked_, 3);
  EXPECT_THAT(attempt(2, true), Succeeds()) << "another account is not concerned";
  clock_.advance(60s);
  EXPECT_THAT(attempt(1, true), Succeeds());
}

TEST_F(CodeLimiterTest, ARightCodeClearsTheCount) {
  for (int i = 0; i < 2; ++i) EXPECT_THAT(attempt(1, false), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(attempt(1, true), Succeeds());
  for (int i = 0; i < 2; ++i) EXPECT_THAT(attempt(1, false), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(attempt(1, true), Succeeds());
}

TEST_F(CodeLimiterTest, WhoHasThePasswordAloneClosesNoPlaceWhereARightCodeCameFrom) {
  ASSERT_THAT(attempt(1, true), Succeeds());
  for (const char* network : {"a", "b", "c", "d", "e"})
    EXPECT_THAT(attempt(1, false, {network}), FailsWith(Errc::unauthenticated));
  const auto refused = attempt(1, true, {"f"});
  ASSERT_THAT(refused, FailsWith(Errc::rate_limited));
  EXPECT_EQ(refused.error().retry_after, 3600s);
  EXPECT_THAT(attempt(1, true), Succeeds());
  EXPECT_THAT(attempt(1, true, {"f", 12}), Succeeds()) << "a live session";
  limiter_.forget(1);
  EXPECT_THAT(attempt(1, true, {"f"}), Succeeds());
}

TEST_F(CodeLimiterTest, CountsThoseBeingLookedAt) {
  EXPECT_THAT(limiter_.attempt(1, {"home"},
                               [&]() -> Result<bool> {
                                 EXPECT_THAT(attempt(1, false), FailsWith(Errc::unauthenticated));
                                 EXPECT_THAT(attempt(1, false), FailsWith(Errc::unauthenticated));
                                 EXPECT_THAT(attempt(1, true), FailsWith(Errc::rate_limited));
                                 return true;
                               }),
              Succeeds());
}

TEST_F(CodeLimiterTest, CountsNoErrorsAndNoExceptions) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(limiter_.attempt(1, {"home"},
                                 []() -> Result<bool> {
                                   return Error{Errc::unavailable, "away"};
                                 }),
                FailsWith(Errc::unavailable));
    EXPECT_THROW(static_cast<void>(limiter_.attempt(
                     1, {"home"}, []() -> Result<bool> { throw std::runtime_error("a bug"); })),
                 std::runtime_error);
  }
  EXPECT_THAT(attempt(1, true), Succeeds());
}

}  // namespace
}  // namespace bulkhead::identity

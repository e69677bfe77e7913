#include "identity/secrets/attempts.h"

#include <gtest/gtest.h>

#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;

class AttemptsTest : public ::testing::Test {
 protected:
  void fail(std::string_view key) {
    attempts_.begin(key, clock_.now());
    attempts_.fail(key, clock_.now());
  }
  auto refused_for(std::string_view key) const { return attempts_.refused_for(key, clock_.now()); }
  bool has_room(std::string_view key) const { return attempts_.has_room(key, clock_.now()); }

  testing::ManualClock clock_;
  Attempts attempts_{3, 60s, 100};
};

TEST_F(AttemptsTest, RefusesAtTheLimitAndSaysForHowLong) {
  fail("a");
  clock_.advance(10s);
  fail("a");
  EXPECT_EQ(refused_for("a"), std::nullopt);
  clock_.advance(10s);
  fail("a");
  EXPECT_EQ(refused_for("a"), 40s);
  EXPECT_EQ(refused_for("b"), std::nullopt);
}

TEST_F(AttemptsTest, SlidesItsWindow) {
  for (int i = 0; i < 3; ++i) {
    fail("a");
    clock_.advance(10s);
  }
  clock_.advance(30s - 1us);
  EXPECT_EQ(refused_for("a"), 1s);
  clock_.advance(1us);
  EXPECT_EQ(refused_for("a"), std::nullopt) << "the first failure has left the window";
  fail("a");
  EXPECT_EQ(refused_for("a"), 10s) << "the other two have not";
}

TEST_F(AttemptsTest, AClockThatIsSetBackRefusesNobodyUntilItHasCaughtUp) {
  for (int i = 0; i < 3; ++i) fail("a");
  clock_.advance(-30s);
  EXPECT_EQ(refused_for("a"), 90s) << "a small step lifts nothing";
  clock_.advance(-24h);
  EXPECT_EQ(refused_for("a"), std::nullopt);
  EXPECT_TRUE(has_room("a"));
  for (int i = 0; i < 3; ++i) fail("a");
  EXPECT_EQ(refused_for("a"), 60s) << "and counting begins anew";
}

TEST_F(AttemptsTest, CountsAttemptsUnderWayLikeFailures) {
  attempts_.begin("a", clock_.now());
  attempts_.begin("a", clock_.now());
  EXPECT_TRUE(has_room("a"));
  fail("a");
  EXPECT_FALSE(has_room("a"));
  EXPECT_EQ(refused_for("a"), std::nullopt) << "nothing is decided yet";
  attempts_.abandon("a");
  EXPECT_TRUE(has_room("a"));
}

TEST_F(AttemptsTest, ForgetsFailuresOnSuccess) {
  fail("a");
  fail("a");
  attempts_.begin("a", clock_.now());
  attempts_.succeed("a");
  fail("a");
  fail("a");
  EXPECT_EQ(refused_for("a"), std::nullopt);
  EXPECT_EQ(attempts_.size(), 1u);
}

TEST_F(AttemptsTest, RemembersNoneOfThoseThatSucceed) {
  for (const char* key : {"a", "b", "c"}) {
    attempts_.begin(key, clock_.now());
    attempts_.succeed(key);
  }
  EXPECT_EQ(attempts_.size(), 0u);
}

TEST_F(AttemptsTest, ForgetsTheOldestFirstAndNeverOneUnderWay) {
  attempts_.begin("under way", clock_.now());
  for (int key = 0; key < 1000; ++key) fail(std::to_string(key));
  EXPECT_EQ(attempts_.size(), 100u);
  attempts_.abandon("under way");
  EXPECT_EQ(attempts_.size(), 99u);
  for (int i = 0; i < 2; ++i) fail("999");
  EXPECT_NE(refused_for("999"), std::nullopt) << "its first failure was remembered";
}

}  // namespace
}  // namespace bulkhead::identity

#include "async/fair_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace bulkhead::async {
namespace {

// One thread, held up until all that is to wait waits.
class FairPoolTest : public testing::Test {
 protected:
  void SetUp() override {
    std::promise<void> begun;
    ASSERT_TRUE(pool_.seat({true, {"first"}})
                    .submit(
                        [&, wait = release_.get_future().share()] {
                          begun.set_value();
                          wait.wait();
                        },
                        [] {}));
    begun.get_future().wait();
  }

  bool ask(bool known, std::vector<std::string> groups, const std::string& what) {
    return pool_.seat({known, std::move(groups)})
        .submit([this, what] { note(done_, what); }, [this, what] { note(dropped_, what); });
  }

  // What was done, in its order.
  std::vector<std::string> finish() {
    std::promise<void> last;
    release_.set_value();
    while (pool_.queued() > 0) std::this_thread::yield();
    EXPECT_TRUE(pool_.seat({false, {"last"}}).submit([&] { last.set_value(); }, [] {}));
    last.get_future().wait();
    return done_;
  }

  std::vector<std::string> dropped() {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  void note(std::vector<std::string>& where, const std::string& what) {
    const std::lock_guard lock(mutex_);
    where.push_back(what);
  }

  std::mutex mutex_;
  std::vector<std::string> done_;
  std::vector<std::string> dropped_;
  std::promise<void> release_;
  FairPool pool_{"test", 1, 8};
};

TEST_F(FairPoolTest, GroupsTakeTurnsAtEachStep) {
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(ask(false, {"wide", "a"}, "a"));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(ask(false, {"wide", "b"}, "b"));
  ASSERT_TRUE(ask(false, {"wide", "c"}, "c"));
  ASSERT_TRUE(ask(false, {"other", "x"}, "x"));
  EXPECT_EQ(finish(), (std::vector<std::string>{"a", "x", "b", "c", "a", "b"}));
}

TEST_F(FairPoolTest, KnownPlacesGoFirstAndLeaveOthersATurn) {
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(ask(false, {"stranger"}, "s"));
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(ask(true, {"home"}, "k"));
  const auto done = finish();
  EXPECT_EQ(done.front(), "k");
  const auto first = std::find(done.begin(), done.end(), "s");
  EXPECT_LE(first - done.begin(), 4);
}

TEST_F(FairPoolTest, WhoeverHasMostGivesWay) {
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(ask(false, {"flood", std::to_string(i)}, "f" + std::to_string(i)));
  ASSERT_TRUE(ask(false, {"other"}, "o1"));
  EXPECT_FALSE(ask(false, {"flood", "7"}, "f7")) << "nobody has more";
  ASSERT_TRUE(ask(false, {"third"}, "t"));
  ASSERT_TRUE(ask(true, {"home"}, "k"));
  EXPECT_EQ(dropped().size(), 2u);
  for (const std::string& each : dropped()) EXPECT_TRUE(each.starts_with('f')) << each;
  const auto done = finish();
  EXPECT_EQ(done.size(), 8u);
  EXPECT_EQ(done.front(), "k");
}

TEST_F(FairPoolTest, StrangersAndKnownOnesHaveRoomOfTheirOwn) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(ask(true, {"home"}, "k"));
  EXPECT_FALSE(ask(true, {"home"}, "k"));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(ask(false, {"stranger"}, "s"));
  EXPECT_FALSE(ask(false, {"stranger"}, "s"));
  EXPECT_TRUE(ask(true, {"another home"}, "a"));
  EXPECT_EQ(dropped(), (std::vector<std::string>{"k", "k", "k"}));
  EXPECT_EQ(finish().size(), 8u);
}

TEST(FairPool, WhatWaitsAtTheEndIsDropped) {
  bool dropped = false;
  {
    std::promise<void> begun;
    FairPool pool("test", 1, 8);
    ASSERT_TRUE(pool.seat({false, {"a"}})
                    .submit(
                        [&] {
                          begun.set_value();
                          std::this_thread::sleep_for(std::chrono::milliseconds(20));
                        },
                        [] {}));
    begun.get_future().wait();
    ASSERT_TRUE(pool.seat({false, {"a"}}).submit([] { FAIL(); }, [&] { dropped = true; }));
  }
  EXPECT_TRUE(dropped);
}

TEST_F(FairPoolTest, AFloodMakesRoomForItsNeighbour) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(ask(false, {"wide", "flood"}, "f"));
  EXPECT_TRUE(ask(false, {"wide", "neighbour"}, "n"));
  EXPECT_EQ(dropped(), (std::vector<std::string>{"f"}));
  EXPECT_EQ(finish().at(1), "n");
}

}  // namespace
}  // namespace bulkhead::async

#include "async/lanes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "async/offload.h"

namespace bulkhead::async {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);

// A server that answers nobody until it is told to.
class Server {
 public:
  bool call(LanePool& pool, const std::string& name) {
    return pool.lane(name).submit(
        [this, answers = answers_] {
          ++running_;
          answers.wait();
        },
        [this] { ++dropped_; });
  }
  void answer() { promise_.set_value(); }
  void wait_for(int running) const {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (running_ < running && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    ASSERT_EQ(running_, running);
  }
  int running() const { return running_; }
  int dropped() const { return dropped_; }

 private:
  std::promise<void> promise_;
  std::shared_future<void> answers_ = promise_.get_future().share();
  std::atomic<int> running_{0};
  std::atomic<int> dropped_{0};
};

bool runs(LanePool& pool, const std::string& name) {
  auto done = std::make_shared<std::promise<void>>();
  auto future = done->get_future();
  if (!pool.lane(name).submit([done] { done->set_value(); }, [] {})) return false;
  return future.wait_for(kPatience) == std::future_status::ready;
}

TEST(LanePoolTest, AServerThatHangsTakesItsPartOfTheThreadsOnly) {
  Server hung;
  LanePool pool("test", {.threads = 4, .running = 2, .waiting = 3});
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(hung.call(pool, "hung"));
    hung.wait_for(i + 1);
  }
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(hung.call(pool, "hung"));
  EXPECT_TRUE(runs(pool, "other"));
  EXPECT_EQ(hung.running(), 2);
  hung.answer();
  hung.wait_for(5);
  EXPECT_TRUE(runs(pool, "hung"));
}

TEST(LanePoolTest, WhoComesWhenTooManyWaitIsToldSo) {
  Server hung;
  LanePool pool("test", {.threads = 2, .running = 1, .waiting = 2});
  EXPECT_TRUE(hung.call(pool, "hung"));
  hung.wait_for(1);
  EXPECT_TRUE(hung.call(pool, "hung"));
  EXPECT_TRUE(hung.call(pool, "hung"));
  EXPECT_FALSE(hung.call(pool, "hung"));
  EXPECT_TRUE(runs(pool, "other"));
  hung.answer();
}

TEST(LanePoolTest, AllLanesTogetherAreBounded) {
  Server hung;
  LanePool pool("test", {.threads = 1, .running = 1, .waiting = 2, .in_all = 3});
  EXPECT_TRUE(hung.call(pool, "a"));
  hung.wait_for(1);
  for (const char* name : {"b", "c", "d"}) EXPECT_TRUE(hung.call(pool, name));
  EXPECT_FALSE(hung.call(pool, "e"));
  hung.answer();
}

TEST(LanePoolTest, LanesTakeTurns) {
  Server gate;
  std::mutex mutex;
  std::string order;
  std::latch all(6);
  LanePool pool("test", {.threads = 1, .running = 1, .waiting = 8});
  ASSERT_TRUE(gate.call(pool, "gate"));
  gate.wait_for(1);
  for (const char* name : {"a", "a", "a", "b", "b", "c"})
    ASSERT_TRUE(pool.lane(name).submit(
        [&, name] {
          const std::lock_guard lock(mutex);
          order += name;
          all.count_down();
        },
        [] {}));
  gate.answer();
  all.wait();
  EXPECT_EQ(order, "abcaba");
}

TEST(LanePoolTest, ALaneIsNoOnesAlone) {
  Server hung;
  LanePool pool("test", {.threads = 1, .running = 1, .waiting = 4});
  ASSERT_TRUE(hung.call(pool, "corp"));
  hung.wait_for(1);
  int dropped = 0;
  std::latch done(4);
  std::string order;
  const auto ask = [&](const std::string& from) {
    return pool.lane("corp", {false, {from}})
        .submit(
            [&, from] {
              order += from;
              done.count_down();
            },
            [&] { ++dropped; });
  };
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(ask("f"));
  EXPECT_FALSE(ask("f"));
  EXPECT_TRUE(ask("o"));
  EXPECT_EQ(dropped, 1);
  EXPECT_EQ(pool.queued(), 4u);
  hung.answer();
  done.wait();
  EXPECT_EQ(order, "foff");
}

TEST(LanePoolTest, WhatWaitsAtTheEndIsDroppedAndNotRun) {
  Server hung;
  std::optional<LanePool> pool;
  pool.emplace("test", LaneLimits{.threads = 1, .running = 1, .waiting = 8});
  EXPECT_TRUE(hung.call(*pool, "hung"));
  hung.wait_for(1);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(hung.call(*pool, "hung"));
  std::thread ends([&] { pool.reset(); });
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (hung.dropped() < 4 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(hung.dropped(), 4);
  hung.answer();
  ends.join();
  EXPECT_EQ(hung.running(), 1);
}

Task<Result<int>> seven(LanePool& pool, const char* name) {
  auto lane = pool.lane(name);
  co_return co_await offload(lane, []() -> Result<int> { return 7; });
}

TEST(LanePoolTest, CoroutinesWaitOnALane) {
  boost::asio::io_context io;
  LanePool pool("test", {.threads = 1});
  auto future = boost::asio::co_spawn(io, seven(pool, "a"), boost::asio::use_future);
  io.run();
  const auto value = future.get();
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 7);
}

TEST(LanePoolTest, ACoroutineLearnsThatItsLaneIsFullAndWhose) {
  Server hung;
  boost::asio::io_context io;
  LanePool pool("test", {.threads = 1, .running = 1, .waiting = 1});
  EXPECT_TRUE(hung.call(pool, "corp"));
  hung.wait_for(1);
  EXPECT_TRUE(hung.call(pool, "corp"));
  auto future = boost::asio::co_spawn(io, seven(pool, "corp"), boost::asio::use_future);
  io.run();
  const auto refused = future.get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_NE(refused.error().message.find("corp"), std::string::npos);
  hung.answer();
}

}  // namespace
}  // namespace bulkhead::async

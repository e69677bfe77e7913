#include "async/offload.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace bulkhead::async {
namespace {

// Runs the task on this thread.
template <class T>
T run(boost::asio::io_context& io, Task<T> task) {
  auto future = boost::asio::co_spawn(io, std::move(task), boost::asio::use_future);
  io.restart();
  io.run();
  return future.get();
}

// Holds one of a pool's threads until it is let go. The thread may outlive the blocker by a moment, so what
// they share belongs to both.
class Blocker {
 public:
  explicit Blocker(OffloadPool& pool) : released_(std::make_shared<std::promise<void>>()) {
    auto running = std::make_shared<std::promise<void>>();
    auto held = running->get_future();
    EXPECT_TRUE(pool.submit([running, released = released_->get_future().share()] {
      running->set_value();
      released.wait();
    }));
    held.wait();
  }
  ~Blocker() { release(); }
  void release() {
    if (!std::exchange(free_, true)) released_->set_value();
  }

 private:
  std::shared_ptr<std::promise<void>> released_;
  bool free_ = false;
};

struct Where {
  std::thread::id before;
  std::thread::id inside;
  std::thread::id after;
  std::string name;
};

Task<Result<Where>> where(OffloadPool& pool) {
  Where result;
  result.before = std::this_thread::get_id();
  auto done = co_await offload(pool, [&]() -> Result<int> {
    char name[16] = {};
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    result.name = name;
    result.inside = std::this_thread::get_id();
    return 1;
  });
  if (!done) co_return done.error();
  result.after = std::this_thread::get_id();
  co_return result;
}

TEST(Offload, WorksOnAPoolThreadAndResumesOnTheLoop) {
  boost::asio::io_context io;
  OffloadPool pool("worker", 2, 8);
  const auto result = run(io, where(pool));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->before, std::this_thread::get_id());
  EXPECT_EQ(result->after, std::this_thread::get_id());
  EXPECT_NE(result->inside, std::this_thread::get_id());
  EXPECT_EQ(result->name, "worker");
}

Task<Result<std::string>> fail(OffloadPool& pool) {
  co_return co_await offload(pool, []() -> Result<std::string> { return Error{Errc::no_space, "full"}; });
}

TEST(Offload, HandsBackTheErrorOfTheWork) {
  boost::asio::io_context io;
  OffloadPool pool("worker", 1, 8);
  const auto result = run(io, fail(pool));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{Errc::no_space, "full"}));
}

Task<std::string> catch_exception(OffloadPool& pool) {
  try {
    auto result = co_await offload(pool, []() -> Result<int> { throw std::runtime_error("a bug"); });
    co_return result ? "a value" : "an error";
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
}

TEST(Offload, AnExceptionComesOutInTheCoroutine) {
  boost::asio::io_context io;
  OffloadPool pool("worker", 1, 8);
  EXPECT_EQ(run(io, catch_exception(pool)), "a bug");
}

Task<Result<int>> one(OffloadPool& pool, std::atomic<int>& ran) {
  co_return co_await offload(pool, [&ran]() -> Result<int> { return ++ran; });
}

TEST(Offload, AFullQueueIsAnsweredAtOnce) {
  boost::asio::io_context io;
  std::atomic<int> ran = 0;
  OffloadPool pool("worker", 1, 2);
  {
    Blocker blocker(pool);
    ASSERT_TRUE(pool.submit([&ran] { ++ran; }));
    ASSERT_TRUE(pool.submit([&ran] { ++ran; }));
    EXPECT_EQ(pool.queued(), 2u);
    const auto refused = run(io, one(pool, ran));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unavailable);
    EXPECT_EQ(ran, 0);
  }
}

TEST(Offload, QueuedWorkRunsBeforeThePoolEnds) {
  std::atomic<int> ran = 0;
  {
    OffloadPool pool("worker", 1, 100);
    Blocker blocker(pool);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.submit([&ran] { ++ran; }));
  }
  EXPECT_EQ(ran, 100);
}

TEST(Offload, ManyCoroutinesShareThePool) {
  boost::asio::io_context io;
  OffloadPool pool("worker", 4, 1000);
  std::atomic<int> ran = 0;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 500; ++i)
    boost::asio::co_spawn(io, one(pool, ran), [&](std::exception_ptr failure, const Result<int>& result) {
      EXPECT_FALSE(failure);
      if (result) ++answered;
    });
  io.run();
  EXPECT_EQ(ran, 500);
  EXPECT_EQ(answered, 500);
}

// io_context::run() returns when nothing is left to do; work in the pool must count as something.
TEST(Offload, KeepsTheLoopRunningMeanwhile) {
  boost::asio::io_context io;
  OffloadPool pool("worker", 1, 8);
  Blocker blocker(pool);
  std::atomic<int> ran = 0;
  auto future = boost::asio::co_spawn(io, one(pool, ran), boost::asio::use_future);
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    blocker.release();
  });
  io.run();
  later.join();
  ASSERT_EQ(future.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_TRUE(future.get());
}

}  // namespace
}  // namespace bulkhead::async

#include "async/loops.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <set>

#include "async/task.h"

namespace bulkhead::async {
namespace {

std::thread::id thread_of(boost::asio::io_context& io) {
  std::promise<std::thread::id> id;
  boost::asio::post(io, [&] { id.set_value(std::this_thread::get_id()); });
  return id.get_future().get();
}

TEST(Loops, EachRunsOnAThreadOfItsOwn) {
  Loops loops(3);
  ASSERT_EQ(loops.size(), 3u);
  loops.start();
  std::set<std::thread::id> threads{std::this_thread::get_id()};
  for (std::size_t i = 0; i < loops.size(); ++i) {
    const auto first = thread_of(loops.at(i));
    threads.insert(first);
    EXPECT_EQ(thread_of(loops.at(i)), first);
  }
  EXPECT_EQ(threads.size(), 4u);
  loops.stop();
}

TEST(Loops, StopTwiceAndStopBeforeStartAreHarmless) {
  Loops never_started(2);
  never_started.stop();
  Loops loops(1);
  loops.start();
  loops.stop();
  loops.stop();
}

struct Flag {
  explicit Flag(bool& to) : gone(to) {}
  ~Flag() { gone = true; }
  Flag(const Flag&) = delete;
  Flag& operator=(const Flag&) = delete;
  bool& gone;
};

Task<> wait_for_ever(boost::asio::io_context& io, bool& gone, std::promise<void>& waiting) {
  const Flag flag(gone);
  boost::asio::steady_timer timer(io, std::chrono::hours(1));
  waiting.set_value();
  co_await timer.async_wait(kTuple);
}

TEST(Loops, CoroutinesThatHaveNotEndedAreDestroyedWithTheLoops) {
  bool gone = false;
  {
    Loops loops(1);
    std::promise<void> waiting;
    boost::asio::co_spawn(loops.at(0), wait_for_ever(loops.at(0), gone, waiting), boost::asio::detached);
    loops.start();
    waiting.get_future().wait();
    loops.stop();
    EXPECT_FALSE(gone) << "what their work refers to must live until the pools have ended";
  }
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace bulkhead::async

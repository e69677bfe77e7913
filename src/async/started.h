// Blocking work that runs on the pool while the coroutine that started it goes on: how a transfer writes one
// buffer while it reads the next. One event loop's thread only.
//
// wait() must have returned before what the work refers to ends.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <memory>
#include <optional>

#include "async/offload.h"
#include "async/task.h"
#include "base/error.h"

namespace bulkhead::async {

template <class Value>
class Started {
 public:
  // `work` returns a Value, a Result; an exception from it becomes Errc::internal. A full queue is
  // Errc::unavailable, as with offload(), whose pools these are.
  template <class Pool, class Work>
  Started(const boost::asio::any_io_executor& executor, Pool& pool, Work work)
      : state_(std::make_shared<State>(executor)) {
    auto carry_out = [state = state_, executor, work = std::move(work)]() mutable {
      auto value = std::make_shared<Value>(run(work));
      boost::asio::post(executor, [state, value] { state->finish(std::move(*value)); });
    };
    bool accepted = false;
    if constexpr (requires { pool.refusal(); })
      accepted = pool.submit(std::move(carry_out), [state = state_, executor] {
        boost::asio::post(executor, [state] { state->finish(too_much()); });
      });
    else
      accepted = pool.submit(std::move(carry_out));
    if (!accepted) state_->finish(too_much());
  }

  Task<Value> wait() {
    while (!state_->value) co_await state_->done.async_wait(kTuple);
    co_return std::move(*state_->value);
  }

 private:
  struct State {
    // A timer that never expires is Asio's plainest condition variable: finishing cancels it.
    explicit State(const boost::asio::any_io_executor& executor)
        : done(executor, boost::asio::steady_timer::time_point::max()) {}
    void finish(Value result) {
      value.emplace(std::move(result));
      done.cancel();
    }

    boost::asio::steady_timer done;
    std::optional<Value> value;
  };

  static Error too_much() { return {Errc::unavailable, "too much work is waiting; try again in a moment"}; }

  template <class Work>
  static Value run(Work& work) {
    try {
      return work();
    } catch (const std::exception& error) {
      return Error(Errc::internal, error.what());
    }
  }

  std::shared_ptr<State> state_;
};

}  // namespace bulkhead::async

// Blocking work off the event loop: a fixed number of threads and a bounded queue.
//
// offload() suspends the calling coroutine, runs `work` on a pool thread and resumes the coroutine on its own
// loop. A full queue is answered at once with Errc::unavailable instead of growing: back-pressure reaches the
// client as 503. `work` returns a Result; what it refers to must outlive it, which the suspended coroutine's
// frame does. An exception from it comes out of offload(). The pool must end before the event loops whose
// coroutines it resumes are destroyed.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "async/task.h"
#include "base/error.h"

namespace bulkhead::async {

class OffloadPool {
 public:
  // `name` (at most 15 characters) is what the threads are called in ps and gdb.
  OffloadPool(std::string name, std::size_t threads, std::size_t queue);
  // Runs what is queued, then joins. Nobody may submit any more.
  ~OffloadPool();

  // False when the queue is full; `work` must not throw.
  bool submit(std::function<void()> work);
  std::size_t queued() const;

 private:
  void stop();  // what is queued is still run
  void run();

  const std::string name_;
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

namespace detail {

// Asio handlers are move-only and std::function copies, hence the shared holder.
template <class Handler, class Work, class Value>
struct Offloaded {
  Handler handler;
  Work work;
  std::exception_ptr failure;
  std::optional<Value> value;
};

}  // namespace detail

// `Pool` is an OffloadPool, a lane of a LanePool (async/lanes.h) or a seat in a FairPool (async/fair_pool.h).
// The latter may drop the work: that is Errc::unavailable as well.
template <class Pool, class Work>
Task<std::invoke_result_t<Work&>> offload(Pool& pool, Work work) {
  using Value = std::invoke_result_t<Work&>;
  auto initiate = [&pool](auto handler, Work inner) {
    namespace asio = boost::asio;
    using Job = detail::Offloaded<decltype(handler), Work, Value>;
    auto executor =
        asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
    auto job = std::make_shared<Job>(Job{std::move(handler), std::move(inner), nullptr, std::nullopt});
    auto finish = [job, executor] {
      asio::post(executor, [job] {
        auto resume = std::move(job->handler);
        resume(job->failure, std::move(job->value));
      });
    };
    auto run = [job, finish] {
      try {
        job->value.emplace(job->work());
      } catch (...) {
        job->failure = std::current_exception();
      }
      finish();
    };
    Error refusal(Errc::unavailable, "too much work is waiting; try again in a moment");
    bool accepted = false;
    if constexpr (requires { pool.refusal(); }) {
      accepted = pool.submit(run, [job, finish] {
        job->value.emplace(
            Error{Errc::unavailable, "the server has too much to do, or is stopping; try again in a moment"});
        finish();
      });
      refusal = pool.refusal();
    } else {
      accepted = pool.submit(run);
    }
    if (!accepted) {
      job->value.emplace(std::move(refusal));
      finish();
    }
  };
  std::optional<Value> value =
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                           void(std::exception_ptr, std::optional<Value>)>(
          initiate, boost::asio::use_awaitable, std::move(work));
  co_return std::move(*value);
}

}  // namespace bulkhead::async

// Waiting on other people's servers: a few threads that no server gets all of.
//
// Work is submitted on a lane, which is named after the server that it will wait for. Of one lane only so
// many run at once and only so many wait, and lanes take turns: one server that accepts and never answers
// keeps its own callers waiting, and tells further ones so at once, while the others go on. On a lane who
// asks takes turns, as fair_queue.h says, so that no stranger has all of it. What waits when the pool ends is
// dropped and not run: it would wait for those servers once more.
//
// Thread-safe. A pool for each purpose, so that purposes do not wait for each other either.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "async/fair_queue.h"
#include "base/error.h"

namespace bulkhead::async {

struct LaneLimits {
  std::size_t threads = 16;
  std::size_t running = 4;    // of one lane at once
  std::size_t waiting = 32;   // of one lane
  std::size_t in_all = 1024;  // that wait, of all lanes
};

class LanePool {
 public:
  using Work = std::function<void()>;

  // `name` (at most 15 characters) is what the threads are called in ps and gdb.
  LanePool(std::string name, LaneLimits limits);
  // Drops what waits, and joins. Nobody may submit any more.
  ~LanePool();
  LanePool(const LanePool&) = delete;
  LanePool& operator=(const LanePool&) = delete;

  // What offload() takes in the place of a pool. Refers to the pool.
  class Lane {
   public:
    Lane(LanePool& pool, std::string name, Place place)
        : pool_(pool), name_(std::move(name)), place_(std::move(place)) {}
    // False when too much waits already. One of the two is called; neither may throw.
    bool submit(Work work, Work dropped) const {
      return pool_.submit(name_, place_, {std::move(work), std::move(dropped)});
    }
    Error refusal() const;

   private:
    LanePool& pool_;
    std::string name_;
    Place place_;
  };
  Lane lane(std::string_view server, Place place = {}) {
    return {*this, std::string(server), std::move(place)};
  }

  std::size_t queued() const;

 private:
  struct Queue {
    explicit Queue(std::size_t most) : waiting(most) {}
    FairQueue waiting;
    std::size_t listed = 0;   // times that it is in `turns_`
    std::size_t running = 0;  // at most limits_.running together with those
  };
  using Queues = std::map<std::string, Queue, std::less<>>;

  bool submit(const std::string& name, const Place& place, Waiting job);
  // Under the mutex: gives the queue a turn if it has use for one.
  void list(Queues::iterator at);
  void stop();  // from now on nothing more is begun
  void run();

  const std::string name_;
  const LaneLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Queues queues_;
  std::deque<Queues::iterator> turns_;  // whose next work is to run, in this order
  std::size_t queued_ = 0;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace bulkhead::async

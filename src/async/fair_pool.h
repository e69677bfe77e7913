// Threads for work that strangers can ask for: who asks takes turns, so that nobody waits behind all that one
// asks for.
//
// Work is submitted at a place, a path from the widest group to the narrowest, as of a network within its
// provider's. At each step groups take turns, however much waits in each. Places are known or not, and of
// four turns, and of the room to wait in, three parts are for known ones. Where too much waits, the newest of
// the group that has most is dropped: a flood makes its own room.
//
// Thread-safe. offload() takes a seat in the place of a pool.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"

namespace bulkhead::async {

class FairPool {
 public:
  using Work = std::function<void()>;

  struct Place {
    bool known = false;
    std::vector<std::string> groups;  // the widest first
  };

  // `name` (at most 15 characters) is what the threads are called in ps and gdb; at most `queue` wait.
  FairPool(std::string name, std::size_t threads, std::size_t queue);
  // Drops what waits, and joins. Nobody may submit any more.
  ~FairPool();
  FairPool(const FairPool&) = delete;
  FairPool& operator=(const FairPool&) = delete;

  // Refers to the pool.
  class Seat {
   public:
    Seat(FairPool& pool, Place place) : pool_(pool), place_(std::move(place)) {}
    // False when too much waits already. One of the two is called; neither may throw.
    bool submit(Work work, Work dropped) const {
      return pool_.submit(place_, {std::move(work), std::move(dropped)});
    }
    Error refusal() const;

   private:
    FairPool& pool_;
    Place place_;
  };
  Seat seat(Place place) { return {*this, std::move(place)}; }

  std::size_t queued() const;

 private:
  struct Job {
    Work work;
    Work dropped;
  };
  // A group and what waits in it. Either `below` or `jobs` is in use.
  struct Group {
    std::size_t waiting = 0;
    std::deque<Job> jobs;
    std::map<std::string, std::unique_ptr<Group>> below;  // in which something waits
    std::deque<const std::string*> turns;                 // of their names

    void add(const Place& place, std::size_t depth, Job job);
    Job next();
    Job drop();  // the newest of the fullest
    // Drops one of a group that has more than that of `place`, where there is one.
    bool make_room(const Place& place, std::size_t depth, Job& dropped);
  };

  bool submit(const Place& place, Job job);
  // Under the mutex: whether there is room for `place` that somebody else gives up.
  bool make_room(const Place& place, Job& dropped);
  void run();

  const std::string name_;
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Group known_;
  Group unknown_;
  std::size_t turn_ = 0;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace bulkhead::async

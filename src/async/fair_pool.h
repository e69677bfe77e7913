// Threads for work that strangers can ask for, which waits in a FairQueue (fair_queue.h).
//
// Thread-safe. offload() takes a seat in the place of a pool.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "async/fair_queue.h"
#include "base/error.h"

namespace bulkhead::async {

class FairPool {
 public:
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
    bool submit(std::function<void()> work, std::function<void()> dropped) const {
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
  bool submit(const Place& place, Waiting job);
  void stop();  // from now on nothing more is begun
  void run();

  const std::string name_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  FairQueue queue_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace bulkhead::async

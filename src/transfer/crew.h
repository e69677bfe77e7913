// A fixed number of threads for tasks that block on networks. Tasks come in two kinds: whole ones, which wait
// in a line, and parts of a task, which go first and wait for nothing of the crew; so a task that waits for
// its parts is never in the way of them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <vector>

namespace bulkhead::transfer {

class Crew {
 public:
  using Work = std::function<void()>;

  explicit Crew(std::size_t threads) : threads_(threads) {}

  // At either end of the line; from any thread, and before run().
  void add_last(Work task);
  void add_first(Work task);
  // Returns when no task is left and none is under way.
  void run();
  // For a task: returns when all of these have ended, on threads that are free and on this one.
  void together(std::vector<Work> parts);

 private:
  struct Group {
    std::vector<Work> waiting;
    std::size_t left;  // waiting and under way
  };
  void work();
  void do_part(Group& group, std::unique_lock<std::mutex>& lock);

  const std::size_t threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> tasks_;
  std::list<Group*> groups_;  // those with parts that wait
  std::size_t busy_ = 0;
};

}  // namespace bulkhead::transfer

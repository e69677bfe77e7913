#include "transfer/crew.h"

#include <thread>

namespace bulkhead::transfer {

void Crew::add_last(Work task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  changed_.notify_all();  // those who wait for their parts wait here, too
}

void Crew::add_first(Work task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_front(std::move(task));
  changed_.notify_all();  // those who wait for their parts wait here, too
}

void Crew::run() {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < threads_; ++i) threads.emplace_back([this] { work(); });
}

void Crew::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!groups_.empty()) {
      do_part(*groups_.front(), lock);
    } else if (!tasks_.empty()) {
      const Work task = std::move(tasks_.front());
      tasks_.pop_front();
      ++busy_;
      lock.unlock();
      task();
      lock.lock();
      if (--busy_ == 0 && tasks_.empty()) changed_.notify_all();
    } else if (busy_ == 0) {
      return;
    } else {
      changed_.wait(lock);
    }
  }
}

void Crew::do_part(Group& group, std::unique_lock<std::mutex>& lock) {
  const Work part = std::move(group.waiting.back());
  group.waiting.pop_back();
  if (group.waiting.empty()) groups_.remove(&group);
  lock.unlock();
  part();
  lock.lock();
  if (--group.left == 0) changed_.notify_all();
}

void Crew::together(std::vector<Work> parts) {
  if (parts.empty()) return;
  Group group{std::move(parts), 0};
  group.left = group.waiting.size();
  std::unique_lock lock(mutex_);
  groups_.push_back(&group);
  changed_.notify_all();
  while (!group.waiting.empty()) do_part(group, lock);
  changed_.wait(lock, [&group] { return group.left == 0; });
}

}  // namespace bulkhead::transfer

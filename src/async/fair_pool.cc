#include "async/fair_pool.h"

#include <pthread.h>

#include "async/start_threads.h"

namespace bulkhead::async {

FairPool::FairPool(std::string name, std::size_t threads, std::size_t queue)
    : name_(std::move(name)), queue_(queue) {
  start_threads(
      threads_, threads, name_, [this] { run(); }, [this] { stop(); });
}

void FairPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

FairPool::~FairPool() {
  std::vector<Waiting> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    while (queue_.size() > 0) dropped.push_back(queue_.next());
  }
  wake_.notify_all();
  for (const Waiting& job : dropped) job.dropped();
  threads_.clear();
}

Error FairPool::Seat::refusal() const {
  return {Errc::unavailable, "too much work is waiting; try again in a moment"};
}

bool FairPool::submit(const Place& place, Waiting job) {
  Waiting gave_way;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || !queue_.add(place, std::move(job), gave_way)) return false;
  }
  wake_.notify_one();
  if (gave_way.dropped) gave_way.dropped();
  return true;
}

std::size_t FairPool::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void FairPool::run() {
  ::pthread_setname_np(::pthread_self(), name_.c_str());
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || queue_.size() > 0; });
    if (stopping_) return;
    {
      const Waiting job = queue_.next();
      lock.unlock();
      job.work();
    }  // what it held goes before the lock is taken
    lock.lock();
  }
}

}  // namespace bulkhead::async

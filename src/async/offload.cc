#include "async/offload.h"

#include <pthread.h>

#include "async/start_threads.h"

namespace bulkhead::async {

OffloadPool::OffloadPool(std::string name, std::size_t threads, std::size_t queue)
    : name_(std::move(name)), limit_(queue) {
  start_threads(
      threads_, threads, name_, [this] { run(); }, [this] { stop(); });
}

void OffloadPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

OffloadPool::~OffloadPool() { stop(); }

bool OffloadPool::submit(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= limit_ || stopping_) return false;
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

std::size_t OffloadPool::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void OffloadPool::run() {
  ::pthread_setname_np(::pthread_self(), name_.c_str());
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace bulkhead::async

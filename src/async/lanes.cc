#include "async/lanes.h"

#include <fmt/format.h>
#include <pthread.h>

#include "async/start_threads.h"

namespace bulkhead::async {

LanePool::LanePool(std::string name, LaneLimits limits) : name_(std::move(name)), limits_(limits) {
  start_threads(
      threads_, limits_.threads, name_, [this] { run(); }, [this] { stop(); });
}

void LanePool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

LanePool::~LanePool() {
  std::deque<Waiting> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [name, queue] : queues_)
      while (queue.waiting.size() > 0) dropped.push_back(queue.waiting.next());
    queues_.clear();
    turns_.clear();
    queued_ = 0;
  }
  wake_.notify_all();
  for (const Waiting& job : dropped) job.dropped();
  threads_.clear();
}

Error LanePool::Lane::refusal() const {
  return {Errc::unavailable,
          fmt::format("too many are waiting for {} already, which is slow to answer; try again in a moment",
                      name_.empty() ? "another server" : name_)};
}

bool LanePool::submit(const std::string& name, const Place& place, Waiting job) {
  Waiting gave_way;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queued_ >= limits_.in_all) return false;
    const auto at = queues_.try_emplace(name, limits_.waiting).first;
    if (!at->second.waiting.add(place, std::move(job), gave_way)) return false;
    if (!gave_way.dropped) ++queued_;
    list(at);
  }
  if (gave_way.dropped) gave_way.dropped();
  return true;
}

void LanePool::list(Queues::iterator at) {
  Queue& queue = at->second;
  if (queue.waiting.size() <= queue.listed || queue.listed + queue.running >= limits_.running) return;
  ++queue.listed;
  turns_.push_back(at);
  wake_.notify_one();
}

std::size_t LanePool::queued() const {
  const std::lock_guard lock(mutex_);
  return queued_;
}

void LanePool::run() {
  ::pthread_setname_np(::pthread_self(), name_.c_str());
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !turns_.empty(); });
    if (stopping_) return;
    const auto at = turns_.front();
    turns_.pop_front();
    Queue& queue = at->second;
    --queue.listed;
    ++queue.running;
    {
      const Waiting job = queue.waiting.next();
      --queued_;
      lock.unlock();
      job.work();
    }  // what it held goes before the lock is taken
    lock.lock();
    if (stopping_) return;
    --queue.running;
    list(at);
    if (queue.waiting.size() == 0 && queue.running == 0) queues_.erase(at);
  }
}

}  // namespace bulkhead::async

#include "async/fair_pool.h"

#include <pthread.h>

#include <algorithm>

namespace bulkhead::async {
namespace {

// One turn in so many, and as much of the room, is for unknown places, whatever waits in the others.
constexpr std::size_t kUnknownPart = 4;

}  // namespace

void FairPool::Group::add(const Place& place, std::size_t depth, Job job) {
  ++waiting;
  if (depth == place.groups.size()) {
    jobs.push_back(std::move(job));
    return;
  }
  const auto [at, fresh] = below.try_emplace(place.groups[depth]);
  if (fresh) {
    at->second = std::make_unique<Group>();
    turns.push_back(&at->first);
  }
  at->second->add(place, depth + 1, std::move(job));
}

FairPool::Job FairPool::Group::next() {
  --waiting;
  if (turns.empty()) {
    Job job = std::move(jobs.front());
    jobs.pop_front();
    return job;
  }
  const std::string* const name = turns.front();
  turns.pop_front();
  const auto at = below.find(*name);
  Job job = at->second->next();
  if (at->second->waiting == 0)
    below.erase(at);
  else
    turns.push_back(name);
  return job;
}

FairPool::Job FairPool::Group::drop() {
  --waiting;
  if (turns.empty()) {
    Job job = std::move(jobs.back());
    jobs.pop_back();
    return job;
  }
  const auto at =
      std::ranges::max_element(below, std::less(), [](const auto& group) { return group.second->waiting; });
  Job job = at->second->drop();
  if (at->second->waiting == 0) {
    std::erase(turns, &at->first);
    below.erase(at);
  }
  return job;
}

bool FairPool::Group::make_room(const Place& place, std::size_t depth, Job& dropped) {
  if (depth == place.groups.size() || below.empty()) return false;
  std::size_t most = 0;
  for (const auto& [name, group] : below) most = std::max(most, group->waiting);
  const auto own = below.find(place.groups[depth]);
  if (most > 1 + (own == below.end() ? 0 : own->second->waiting)) {
    dropped = drop();
    return true;
  }
  if (own == below.end() || !own->second->make_room(place, depth + 1, dropped)) return false;
  --waiting;
  return true;
}

FairPool::FairPool(std::string name, std::size_t threads, std::size_t queue)
    : name_(std::move(name)), limit_(queue) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

FairPool::~FairPool() {
  std::vector<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (Group* group : {&known_, &unknown_})
      while (group->waiting > 0) dropped.push_back(group->next());
  }
  wake_.notify_all();
  for (const Job& job : dropped) job.dropped();
  threads_.clear();
}

Error FairPool::Seat::refusal() const {
  return {Errc::unavailable, "too much work is waiting; try again in a moment"};
}

bool FairPool::submit(const Place& place, Job job) {
  Job dropped;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    if (known_.waiting + unknown_.waiting >= limit_ && !make_room(place, dropped)) return false;
    (place.known ? known_ : unknown_).add(place, 0, std::move(job));
  }
  wake_.notify_one();
  if (dropped.dropped) dropped.dropped();
  return true;
}

bool FairPool::make_room(const Place& place, Job& dropped) {
  const std::size_t unknown = unknown_.waiting * kUnknownPart;
  if (place.known ? unknown > limit_ : unknown < limit_) {
    dropped = (place.known ? unknown_ : known_).drop();
    return true;
  }
  return (place.known ? known_ : unknown_).make_room(place, 0, dropped);
}

std::size_t FairPool::queued() const {
  const std::lock_guard lock(mutex_);
  return known_.waiting + unknown_.waiting;
}

void FairPool::run() {
  ::pthread_setname_np(::pthread_self(), name_.c_str());
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || known_.waiting + unknown_.waiting > 0; });
    if (stopping_) return;
    const bool known = unknown_.waiting == 0 || (known_.waiting > 0 && ++turn_ % kUnknownPart != 0);
    {
      const Job job = (known ? known_ : unknown_).next();
      lock.unlock();
      job.work();
    }  // what it held goes before the lock is taken
    lock.lock();
  }
}

}  // namespace bulkhead::async

#include "async/fair_queue.h"

#include <algorithm>
#include <utility>

namespace bulkhead::async {
namespace {

// One turn in so many, and as much of the room, is for unknown places, whatever waits in the others.
constexpr std::size_t kUnknownPart = 4;

}  // namespace

void FairQueue::Group::add(const Place& place, std::size_t depth, Waiting job) {
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

Waiting FairQueue::Group::next() {
  --waiting;
  if (turns.empty()) {
    Waiting job = std::move(jobs.front());
    jobs.pop_front();
    return job;
  }
  const std::string* const name = turns.front();
  turns.pop_front();
  const auto at = below.find(*name);
  Waiting job = at->second->next();
  if (at->second->waiting == 0)
    below.erase(at);
  else
    turns.push_back(name);
  return job;
}

Waiting FairQueue::Group::drop() {
  --waiting;
  if (turns.empty()) {
    Waiting job = std::move(jobs.back());
    jobs.pop_back();
    return job;
  }
  const auto at =
      std::ranges::max_element(below, std::less(), [](const auto& group) { return group.second->waiting; });
  Waiting job = at->second->drop();
  if (at->second->waiting == 0) {
    std::erase(turns, &at->first);
    below.erase(at);
  }
  return job;
}

bool FairQueue::Group::make_room(const Place& place, std::size_t depth, Waiting& dropped) {
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

bool FairQueue::add(const Place& place, Waiting job, Waiting& gave_way) {
  if (size() >= limit_ && !make_room(place, gave_way)) return false;
  (place.known ? known_ : unknown_).add(place, 0, std::move(job));
  return true;
}

bool FairQueue::make_room(const Place& place, Waiting& dropped) {
  const std::size_t unknown = unknown_.waiting * kUnknownPart;
  if (place.known ? unknown > limit_ : unknown < limit_) {
    dropped = (place.known ? unknown_ : known_).drop();
    return true;
  }
  return (place.known ? known_ : unknown_).make_room(place, 0, dropped);
}

Waiting FairQueue::next() {
  const bool known = unknown_.waiting == 0 || (known_.waiting > 0 && ++turn_ % kUnknownPart != 0);
  return (known ? known_ : unknown_).next();
}

}  // namespace bulkhead::async

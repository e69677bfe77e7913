#include "identity/secrets/attempts.h"

#include <algorithm>

namespace bulkhead::identity {

std::span<const Time> Attempts::counting(const Entry& entry, Time now) const {
  const auto first = std::upper_bound(entry.failures.begin(), entry.failures.end(), now - window_);
  return {first, std::upper_bound(first, entry.failures.end(), now + window_)};
}

const Attempts::Entry* Attempts::find(std::string_view key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &*found->second;
}

std::optional<std::chrono::seconds> Attempts::refused_for(std::string_view key, Time now) const {
  const Entry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  const auto failures = counting(*entry, now);
  if (failures.size() < limit_) return std::nullopt;
  const Time counts_until = failures[failures.size() - limit_] + window_;
  return std::chrono::ceil<std::chrono::seconds>(counts_until - now);
}

bool Attempts::has_room(std::string_view key, Time now) const {
  const Entry* entry = find(key);
  return entry == nullptr || counting(*entry, now).size() + entry->under_way < limit_;
}

void Attempts::begin(std::string_view key, Time now) {
  auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    entries_.push_front({std::string(key), {}, 0});
    found = by_key_.emplace(entries_.front().key, entries_.begin()).first;
  } else {
    entries_.splice(entries_.begin(), entries_, found->second);
  }
  Entry& entry = *found->second;
  ++entry.under_way;
  const auto failures = counting(entry, now);
  entry.failures = std::vector<Time>(failures.begin(), failures.end());
  evict();
}

void Attempts::succeed(std::string_view key) {
  const auto entry = by_key_.at(key);
  entry->failures.clear();
  end(entry);
}

void Attempts::fail(std::string_view key, Time now) {
  const auto entry = by_key_.at(key);
  // A clock that was set back must not unsort them.
  entry->failures.push_back(entry->failures.empty() ? now : std::max(now, entry->failures.back()));
  if (entry->failures.size() > limit_) entry->failures.erase(entry->failures.begin());
  end(entry);
}

void Attempts::abandon(std::string_view key) { end(by_key_.at(key)); }

void Attempts::forget(const std::function<bool(std::string_view key)>& meant) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto here = entry++;
    if (!meant(here->key)) continue;
    here->failures.clear();
    if (here->under_way > 0) continue;
    by_key_.erase(here->key);
    entries_.erase(here);
  }
}

void Attempts::end(Entries::iterator entry) {
  --entry->under_way;
  if (entry->under_way > 0 || !entry->failures.empty()) return;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

void Attempts::evict() {
  for (auto oldest = entries_.end(); entries_.size() > remembered_ && oldest != entries_.begin();) {
    --oldest;
    if (oldest->under_way > 0) continue;
    by_key_.erase(oldest->key);
    oldest = entries_.erase(oldest);
  }
}

}  // namespace bulkhead::identity

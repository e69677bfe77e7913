// The prepared statements that one connection keeps: bounded, the least recently used goes first. Internal to
// db.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/keyed_hash.h"

namespace bulkhead::db {

// Not synchronised.
template <class Statement>
class StatementCache {
 public:
  explicit StatementCache(std::size_t capacity) : capacity_(capacity) {}

  // Null when absent. Stays valid until the next insert().
  Statement* find(std::string_view key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  // The key must be absent. Returns the statement that had to go, if one had.
  std::optional<Statement> insert(std::string key, Statement statement) {
    std::optional<Statement> evicted;
    if (entries_.size() == capacity_) {
      index_.erase(entries_.back().first);
      evicted = std::move(entries_.back().second);
      entries_.pop_back();
    }
    entries_.emplace_front(std::move(key), std::move(statement));
    index_.emplace(entries_.front().first, entries_.begin());
    return evicted;
  }

  std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<std::string, Statement>>;

  std::size_t capacity_;
  Entries entries_;  // the most recently used first
  std::unordered_map<std::string_view, typename Entries::iterator, KeyedHash>
      index_;  // keys point into entries_
};

}  // namespace bulkhead::db

// A bounded memory of what the database says that is never staler than the last change made through this
// process.
//
// A loader takes a ticket before it reads the database and hands it in with the value; a change calls
// forget() once it has committed and before it answers. A value whose ticket is older than any forget() is
// not kept, so a load that raced with a change leaves nothing behind. Nobody waits for a load. A change whose
// reach is not known key by key calls forget_all() instead.
//
//   const auto ticket = cache.begin();             database.write(change);
//   auto value = load_from_database();             cache.forget(key);
//   cache.put(ticket, key, value);                 return;  // from here on nobody finds the old value
//
// Layout: sets of eight slots, the set chosen by hash, one set's slots recycled by second chance. A look-up
// therefore compares at most eight keys whatever keys a stranger sends, and a sweep over many keys does not
// push out those in use. Sets are allocated when first used. Thread-safe; look-ups in different sets rarely
// meet (64 locks).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace bulkhead {

// `Value` is cheap to copy, in practice a shared pointer or an enumeration. `Hash` and `Equal` may accept
// other types than Key, so that a look-up need not build one; equal keys of either type hash alike. Each
// cache makes a `Hash` of its own: where strangers choose keys, one with a key (base/keyed_hash.h), so that
// they cannot choose whose entries they push out.
template <class Key, class Value, class Hash = std::hash<Key>, class Equal = std::equal_to<>>
class ExactCache {
 public:
  class Ticket {
    friend ExactCache;
    explicit Ticket(std::uint64_t changes) : changes_(changes) {}
    std::uint64_t changes_;
  };

  // At most `capacity` entries; 0 keeps nothing.
  explicit ExactCache(std::size_t capacity)
      : ways_(std::min(capacity, kWays)),
        sets_(capacity == 0 ? 0 : std::max<std::size_t>(1, capacity / kWays)) {}

  template <class K>
  std::optional<Value> find(const K& key) const {
    if (sets_.empty()) return std::nullopt;
    const Place place = locate(key);
    const std::lock_guard lock(stripe(place));
    Set* set = sets_[place.set].get();
    if (set == nullptr || set->era != era_.load(std::memory_order_acquire)) return std::nullopt;
    const auto way = set->find(place.tag, key);
    if (!way) return std::nullopt;
    set->used[*way] = true;
    return set->slots[*way]->second;
  }

  Ticket begin() const { return Ticket(changes_.load(std::memory_order_acquire)); }

  void put(Ticket ticket, Key key, Value value) {
    if (sets_.empty()) return;
    const Place place = locate(key);
    const std::lock_guard lock(stripe(place));
    // Before the changes are looked at: whoever sees the era of a forget_all() sees its change as well.
    const std::uint64_t era = era_.load(std::memory_order_acquire);
    // A forget() that is not seen here takes this lock later, and removes what is put now; a forget_all()
    // that is not seen ends the era that it is put into.
    if (changes_.load(std::memory_order_acquire) != ticket.changes_) return;
    auto& set = sets_[place.set];
    if (set == nullptr) set = std::make_unique<Set>();
    if (set->era != era) {
      for (auto& slot : set->slots) slot.reset();
      set->era = era;
    }
    const std::size_t way = set->room_for(place.tag, key, ways_);
    set->tags[way] = place.tag;
    set->used[way] = false;
    set->slots[way].emplace(std::move(key), std::move(value));
  }

  template <class K>
  void forget(const K& key) {
    changes_.fetch_add(1, std::memory_order_acq_rel);
    if (sets_.empty()) return;
    const Place place = locate(key);
    const std::lock_guard lock(stripe(place));
    Set* set = sets_[place.set].get();
    if (set == nullptr) return;
    if (const auto way = set->find(place.tag, key)) set->slots[*way].reset();
  }

  // Forgets every key, in constant time: what was kept is not found again, and goes when something is next
  // put near it.
  void forget_all() {
    changes_.fetch_add(1, std::memory_order_acq_rel);
    era_.fetch_add(1, std::memory_order_acq_rel);
  }

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kStripes = 64;

  struct Set {
    template <class K>
    std::optional<std::size_t> find(std::uint64_t tag, const K& key) const {
      for (std::size_t way = 0; way < kWays; ++way)
        if (tags[way] == tag && slots[way] && Equal{}(slots[way]->first, key)) return way;
      return std::nullopt;
    }

    // The key's own slot, an empty one, or the first past the hand that was not used since the hand last came
    // by.
    std::size_t room_for(std::uint64_t tag, const Key& key, std::size_t ways) {
      if (const auto way = find(tag, key)) return *way;
      for (std::size_t way = 0; way < ways; ++way)
        if (!slots[way]) return way;
      while (std::exchange(used[hand], false)) hand = (hand + 1) % ways;
      return std::exchange(hand, (hand + 1) % ways);
    }

    std::array<std::uint64_t, kWays> tags{};
    std::array<std::optional<std::pair<Key, Value>>, kWays> slots;
    std::array<bool, kWays> used{};
    std::size_t hand = 0;
    std::uint64_t era = 0;  // what an earlier one holds has been forgotten
  };

  struct Place {
    std::uint64_t tag;
    std::size_t set;
  };

  struct alignas(64) Stripe {
    std::mutex mutex;
  };

  template <class K>
  Place locate(const K& key) const {
    // Multiplying by 2^64 over the golden ratio carries every bit of the hash, which may be the key itself,
    // upwards; the upper bits choose the set.
    const std::uint64_t tag = static_cast<std::uint64_t>(hash_(key)) * 0x9e3779b97f4a7c15u;
    return {tag, static_cast<std::size_t>((tag >> 32) * sets_.size() >> 32)};
  }

  std::mutex& stripe(const Place& place) const { return stripes_[place.set % kStripes].mutex; }

  [[no_unique_address]] Hash hash_{};
  std::size_t ways_;
  std::vector<std::unique_ptr<Set>> sets_;
  mutable std::array<Stripe, kStripes> stripes_;
  std::atomic<std::uint64_t> changes_{0};
  std::atomic<std::uint64_t> era_{0};
};

}  // namespace bulkhead

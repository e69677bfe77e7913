// Failed attempts by key (an account name, a network) within a sliding window, and attempts under way: as
// long as one has no outcome it holds a place, so that guesses made at once count like guesses made one after
// another. Not synchronised.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/keyed_hash.h"

namespace bulkhead::identity {

class Attempts {
 public:
  // `limit` failures (at least 1) within `window`, then no more. At most `remembered` keys are kept, beside
  // those with attempts under way; those touched longest ago go first.
  Attempts(std::uint32_t limit, std::chrono::seconds window, std::size_t remembered)
      : limit_(limit == 0 ? 1 : limit), window_(window), remembered_(remembered) {}

  // How long the key is refused from now, when its failures have reached the limit.
  std::optional<std::chrono::seconds> refused_for(std::string_view key, Time now) const;
  // Whether one more could begin, were all those under way to fail.
  bool has_room(std::string_view key, Time now) const;

  // Each begin() is followed by one succeed(), fail() or abandon() of the same key.
  void begin(std::string_view key, Time now);
  void succeed(std::string_view key);  // forgets the key's failures
  void fail(std::string_view key, Time now);
  void abandon(std::string_view key);  // neither: it could not be decided

  // Forgets the failures of each key that is meant. Looks at all keys.
  void forget(const std::function<bool(std::string_view key)>& meant);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    std::vector<Time> failures;  // oldest first, `limit_` at most
    std::uint32_t under_way = 0;
  };
  using Entries = std::list<Entry>;  // touched last at the front

  // Those that count now. What lies further ahead than the window was written before the clock was set back,
  // and nobody is to wait until it has caught up.
  std::span<const Time> counting(const Entry& entry, Time now) const;
  const Entry* find(std::string_view key) const;
  void end(Entries::iterator entry);
  void evict();

  std::uint32_t limit_;
  std::chrono::seconds window_;
  std::size_t remembered_;
  Entries entries_;
  // Views into the entries' own keys. Ordered, because keys are what strangers send.
  std::map<std::string_view, Entries::iterator> by_key_;
};

}  // namespace bulkhead::identity

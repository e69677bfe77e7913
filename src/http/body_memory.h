// Memory for bodies that are read as a whole: counted by who sends them, for all strangers together, and in
// all. What is past a bound is refused while others go on; how long until it may be otherwise is said,
// because a counted body has a time to arrive in.
//
// A body's first kFree bytes are not counted, since the limit on connections bounds them: a log-in, which is
// small, is read whatever else is held. The only body that there is may take what it likes, up to the limit
// of its kind.
//
// A holder's share is of what the others have left: full while nobody else takes anything, and smaller in the
// same measure as the rest. So however many holders come, the next one finds something.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/error.h"

namespace bulkhead::http {

struct BodyMemoryLimits {
  std::uint64_t in_all = 256ull << 20;
  std::uint64_t of_strangers = 64ull << 20;  // who are not logged in, together
  std::uint64_t of_holder = 32ull << 20;     // while nobody else takes anything
  std::chrono::seconds time{120};            // from when a body is first counted until it is whole
};

// Thread-safe.
class BodyMemory {
 public:
  static constexpr std::uint64_t kFree = 4096;

  explicit BodyMemory(const BodyMemoryLimits& limits) : limits_(limits) {}

  // Whose body it is: the person's or organization's whose account it is, or a stranger's network.
  struct Holder {
    bool stranger = true;
    std::string name;
  };

  // What one body takes, given back when it goes. One thread at a time.
  class Lease {
   public:
    Lease(BodyMemory& memory, Holder holder);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    // The body has come to so many bytes. Errc::rate_limited where its holder, or strangers, have too much
    // under way; Errc::unavailable where all together have; Errc::timeout where it has taken too long.
    Result<void> hold(std::uint64_t bytes);

   private:
    BodyMemory& memory_;
    const Holder holder_;
    std::uint64_t held_ = 0;
    std::chrono::steady_clock::time_point due_{};  // set with the first bytes that count
  };

  std::uint64_t used() const;

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Account {
    std::uint64_t held = 0;
    std::multiset<Instant> due;  // of its bodies
  };

  // What `holder`, who has `held` in this body, may have in all of a pool.
  std::uint64_t share(const Account& pool, std::uint64_t size, const Account& holder,
                      std::uint64_t held) const;
  static Error refusal(Errc code, const char* why, const Account& account);
  static void give_back(Account& account, std::uint64_t bytes, Instant due);

  const BodyMemoryLimits limits_;
  mutable std::mutex mutex_;
  Account all_;
  Account strangers_;
  std::map<std::pair<bool, std::string>, Account> holders_;
};

}  // namespace bulkhead::http

// Counts what is refused, so that a flood takes a few words of evidence: of each kind and of whoever is
// refused so many in a minute are told one by one, and of the further ones how many there were.
//
// There are four kinds, so that none hides another: requests of strangers, log-ins that may be of nobody
// (both by network), log-ins of accounts that there are, and requests of accounts (both by account, a robot's
// by its owner's). Whose share it is may have a part of what others of the kind have left, and of an
// account's share each network and each thing asked for may have half of what the others have left: whoever
// begins with a flood hides what comes after it neither elsewhere nor of themselves. What of a share has no
// part of its own any more is one part, of the account itself and of its robots apart, which says what was
// asked for. Not synchronised.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "audit/event.h"

namespace bulkhead::audit {

struct RefusalLimits {
  std::uint32_t per_minute = 200;  // of one share, told one by one
  std::uint32_t in_all = 4000;     // of all kinds, each a quarter
  std::size_t shares = 10'000;     // counted each by itself, and as many parts of them; further ones together
};

class Refusals {
 public:
  explicit Refusals(const RefusalLimits& limits) : limits_(limits) {}

  // Whether this one is told by itself. What it ends goes to `sums`: one line for each part of a share.
  bool tell(const EventView& event, std::vector<Event>& sums);
  // The sums of minutes that are over at `now`, or of all.
  void collect(Time now, std::vector<Event>& sums);
  void collect_all(std::vector<Event>& sums);

 private:
  static constexpr std::size_t kKinds = 4;

  // What of a share is counted together. Of requests of accounts those named "" and as kRestOfOwn have all
  // that is not counted by itself, of robots and of the account; of others the one named "".
  struct Part {
    std::uint32_t told = 0;
    std::uint64_t more = 0;
    Event last;                     // of those that were not told
    std::set<std::string> targets;  // of those, as many as are kept
  };
  struct Share {
    Time begin{};  // of its minute
    std::uint32_t told = 0;
    std::size_t of_robots = 0;  // parts
    std::map<std::string, Part, std::less<>> parts;
  };
  using Shares = std::map<std::string, Share, std::less<>>;  // "" for those beyond the limit
  struct Kind {
    Time begin{};
    std::uint32_t told = 0;
    std::size_t parts = 0;  // of all shares
    Shares shares;
  };

  void sum(std::size_t kind, const std::string& name, Share& share, std::vector<Event>& sums);
  Shares::value_type& share_of(Kind& kind, std::string name) const;
  Part& part_of(Kind& kind, Share& share, std::string& name, bool robots) const;
  bool has_room(const Kind& kind, const Share& share, const Part& part, bool divided) const;

  const RefusalLimits limits_;
  std::array<Kind, kKinds> kinds_;
};

}  // namespace bulkhead::audit

// Counts what strangers are refused, so that a flood takes a few words of evidence: of each network so many
// refusals in a minute are told one by one, and of the further ones how many there were. All networks
// together have a bound too. Not synchronised.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "audit/event.h"

namespace bulkhead::audit {

struct RefusalLimits {
  std::uint32_t per_minute = 200;  // of one network, told one by one
  std::uint32_t in_all = 4000;     // of all networks
  std::size_t networks = 10'000;   // counted each by itself; further ones together
};

class Refusals {
 public:
  explicit Refusals(const RefusalLimits& limits) : limits_(limits) {}

  // Whether this one is told by itself. What it ends goes to `sums`.
  bool tell(const EventView& event, std::vector<Event>& sums);
  // The sums of minutes that are over at `now`, or of all.
  void collect(Time now, std::vector<Event>& sums);
  void collect_all(std::vector<Event>& sums);

 private:
  struct Count {
    Time begin{};  // of its minute
    std::uint32_t told = 0;
    std::uint64_t more = 0;
    Event last;  // of those that were not told
  };

  static void sum(Count& count, std::vector<Event>& sums);

  const RefusalLimits limits_;
  std::map<std::string, Count, std::less<>> counts_;  // by network; "" for those beyond the limit
  Time minute_{};
  std::uint32_t told_ = 0;  // in it
};

// What refusals are counted by: an IPv4 address's /24, also in its IPv4-mapped form, or an IPv6 address's
// /64; what is not an address stands for itself.
std::string counted_network(std::string_view address);

}  // namespace bulkhead::audit

#include "audit/refusals.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <utility>

namespace bulkhead::audit {
namespace {

constexpr std::chrono::minutes kMinute{1};

// A clock that was set back ends it as well.
bool over(Time begin, Time now) { return now < begin || now - begin >= kMinute; }

}  // namespace

std::string counted_network(std::string_view address) {
  const std::string text(address);
  std::array<char, 16> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 3);
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
  constexpr std::array<char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '\xff', '\xff'};
  if (std::memcmp(bytes.data(), kMapped.data(), kMapped.size()) == 0)
    return std::string(bytes.data() + kMapped.size(), 3);
  return std::string(bytes.data(), 8);
}

void Refusals::sum(Count& count, std::vector<Event>& sums) {
  if (count.more == 0) return;
  Event event = std::move(count.last);
  event.detail = fmt::format(R"({{"more":{},"since":"{}"}})", count.more, to_rfc3339(count.begin));
  // Those are one's, and these are many.
  event.origin.request_id.clear();
  event.repository.clear();
  event.target.clear();
  sums.push_back(std::move(event));
  count.more = 0;
}

bool Refusals::tell(const EventView& event, std::vector<Event>& sums) {
  if (over(minute_, event.at)) {
    minute_ = event.at;
    told_ = 0;
  }
  std::string network = counted_network(event.address);
  auto found = counts_.find(network);
  if (found == counts_.end()) {
    if (counts_.size() >= limits_.networks) network.clear();
    found = counts_.try_emplace(std::move(network)).first;
  }
  Count& count = found->second;
  if (over(count.begin, event.at)) {
    sum(count, sums);
    count = {};
    count.begin = event.at;
  }
  if (count.told < limits_.per_minute && told_ < limits_.in_all) {
    ++count.told;
    ++told_;
    return true;
  }
  ++count.more;
  if (count.more == 1) count.last = to_event(event);
  count.last.at = event.at;
  return false;
}

void Refusals::collect(Time now, std::vector<Event>& sums) {
  for (auto at = counts_.begin(); at != counts_.end();) {
    const bool ended = over(at->second.begin, now);
    if (ended) sum(at->second, sums);
    at = ended ? counts_.erase(at) : std::next(at);
  }
}

void Refusals::collect_all(std::vector<Event>& sums) {
  for (auto& [network, count] : counts_) sum(count, sums);
  counts_.clear();
}

}  // namespace bulkhead::audit

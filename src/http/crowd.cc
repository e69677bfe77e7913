#include "http/crowd.h"

#include <vector>

#include "base/subscriber_network.h"

namespace bulkhead::http {
namespace {

// So many more may be open for the moment that closing others takes.
constexpr std::size_t kMeanwhile = 64;

}  // namespace

Networks networks_around(std::string_view ip_address) {
  std::vector<std::string> found = networks_of(ip_address);
  // Of IPv4 the address itself is the narrowest, without what maps it into IPv6.
  if (found.size() < 3) found.emplace_back(ip_address.substr(ip_address.rfind(':') + 1));
  return {found.at(0), found.at(1), found.at(2)};
}

void Crowd::Width::change(const std::string& network, bool more) {
  const auto at = counts.try_emplace(network, 0).first;
  if (at->second > 0) by_count.erase({at->second, network});
  at->second += more ? 1 : std::size_t(-1);
  if (at->second > 0)
    by_count.emplace(at->second, network);
  else
    counts.erase(at);
}

std::size_t Crowd::Width::of(const std::string& network) const {
  const auto at = counts.find(network);
  return at == counts.end() ? 0 : at->second;
}

Crowd::Entry Crowd::enter(const Networks& networks) {
  const std::lock_guard lock(mutex_);
  if (widths_.back().of(networks.back()) >= of_one_) return {};
  Entry entry{true};
  if (all_ >= in_all_) {
    for (std::size_t width = 0; width < widths_.size() && !entry.fullest && all_ > 0; ++width) {
      const auto& [most, network] = *widths_[width].by_count.rbegin();
      if (most > widths_[width].of(networks[width]) + 1) entry.fullest = Fullest{width, network};
    }
    if (!entry.fullest || all_ >= in_all_ + kMeanwhile) return {};
  }
  ++all_;
  for (std::size_t width = 0; width < widths_.size(); ++width) widths_[width].change(networks[width], true);
  return entry;
}

void Crowd::leave(const Networks& networks) {
  const std::lock_guard lock(mutex_);
  --all_;
  for (std::size_t width = 0; width < widths_.size(); ++width) widths_[width].change(networks[width], false);
}

}  // namespace bulkhead::http

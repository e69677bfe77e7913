#include "http/crowd.h"

namespace bulkhead::http {
namespace {

// So many more may be open for the moment that closing others takes.
constexpr std::size_t kMeanwhile = 64;

}  // namespace

Networks networks_of(const boost::asio::ip::address& address) {
  namespace ip = boost::asio::ip;
  const auto prefixes = [](char family, const auto& bytes, std::array<std::size_t, 3> lengths) {
    Networks networks;
    for (std::size_t i = 0; i < lengths.size(); ++i)
      networks[i] = family + std::string(bytes.begin(), bytes.begin() + lengths[i]);
    return networks;
  };
  if (address.is_v4()) return prefixes('4', address.to_v4().to_bytes(), {2, 3, 4});
  const ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return prefixes('4', ip::make_address_v4(ip::v4_mapped, v6).to_bytes(), {2, 3, 4});
  return prefixes('6', v6.to_bytes(), {4, 6, 8});
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

#include "identity/secrets/networks.h"

#include <fmt/format.h>

#include <algorithm>

#include "oci/quote.h"

namespace bulkhead::identity {

Result<Networks> Networks::parse(std::string_view text) {
  Networks parsed;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word.empty()) continue;
    const auto network = IpNetwork::parse(word);
    if (!network)
      return Error{
          Errc::invalid_argument,
          fmt::format("{} is not a network; write one as 192.0.2.0/24 or 2001:db8::/32, with no bits "
                      "set past the prefix",
                      oci::quote(word))};
    if (parsed.networks_.size() == kMost)
      return Error{Errc::invalid_argument, fmt::format("more than {} networks are named", kMost)};
    parsed.networks_.push_back(*network);
  }
  return parsed;
}

bool Networks::allow(std::string_view address) const {
  return anywhere() ||
         std::ranges::any_of(networks_, [&](const IpNetwork& network) { return network.contains(address); });
}

std::string Networks::text() const {
  std::string text;
  for (const IpNetwork& network : networks_) {
    if (!text.empty()) text += ' ';
    text += network.text();
  }
  return text;
}

}  // namespace bulkhead::identity

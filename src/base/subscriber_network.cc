#include "base/subscriber_network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace bulkhead {

std::string network_of(std::string_view address) {
  constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  // A zone, as of fe80::1%eth0, is this machine's own (RFC 4007 section 11).
  const std::string text(address.substr(0, address.find('%')));
  std::array<unsigned char, 4> v4{};
  if (inet_pton(AF_INET, text.c_str(), v4.data()) == 1) return "4" + std::string(v4.begin(), v4.begin() + 3);
  std::array<unsigned char, 16> v6{};
  if (inet_pton(AF_INET6, text.c_str(), v6.data()) == 1) {
    if (std::equal(kMapped.begin(), kMapped.end(), v6.begin()))
      return "4" + std::string(v6.begin() + 12, v6.begin() + 15);
    return "6" + std::string(v6.begin(), v6.begin() + 8);
  }
  return "=" + std::string(address);
}

std::vector<std::string> networks_of(std::string_view address) {
  const std::string network = network_of(address);
  std::vector<std::string> networks = wider_ipv6_networks(network);
  if (network.starts_with('4')) networks.push_back(network.substr(0, 1 + 2));
  networks.push_back(network);
  return networks;
}

std::vector<std::string> wider_ipv6_networks(std::string_view network) {
  if (!network.starts_with('6')) return {};
  // Bytes of the prefix, after the family's mark.
  return {std::string(network.substr(0, 1 + 4)), std::string(network.substr(0, 1 + 6))};
}

}  // namespace bulkhead

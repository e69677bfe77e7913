// The IANA registries of special-purpose addresses, as of 2025. What they call globally reachable inside a
// larger reserved block (anycast services, mostly) is refused with the block.
#include <algorithm>
#include <array>

#include "http/client.h"

namespace bulkhead::http {
namespace {

constexpr std::array<std::string_view, 15> kReservedV4 = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4"};

// All other global unicast addresses lie in 2000::/3.
constexpr std::string_view kGlobalV6 = "2000::/3";
constexpr std::array<std::string_view, 4> kReservedV6 = {
    "2001::/23",      // protocols: Teredo, ORCHID, benchmarking
    "2001:db8::/32",  // documentation
    "2002::/16",      // 6to4, which holds an IPv4 address
    "3fff::/20"};     // documentation

bool lies_in(std::string_view network, std::string_view address) {
  const auto parsed = IpNetwork::parse(network);
  return parsed && parsed->contains(address);
}

}  // namespace

bool is_public_address(std::string_view address) {
  if (!is_ip_address(address)) return false;
  const auto holds = [&](std::string_view network) { return lies_in(network, address); };
  if (address.find(':') == address.npos) return std::none_of(kReservedV4.begin(), kReservedV4.end(), holds);
  return lies_in(kGlobalV6, address) && std::none_of(kReservedV6.begin(), kReservedV6.end(), holds);
}

}  // namespace bulkhead::http

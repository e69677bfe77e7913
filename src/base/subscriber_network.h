// The network that an address is counted with wherever strangers have shares: what one subscriber usually
// commands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead {

// An IPv4 address's /24, also in its IPv4-mapped form (RFC 4291 section 2.5.5.2), or an IPv6 address's /64,
// in a form fit for a key; what is not an address ("local") stands for itself.
std::string network_of(std::string_view address);

// That network and those around it, the widest first: /16 and /24, or /32, /48 and /64, since whoever has one
// IPv6 network often has many beside it.
std::vector<std::string> networks_of(std::string_view address);
// Of a network_of() of IPv6 the /32 and the /48 around it; of others nothing.
std::vector<std::string> wider_ipv6_networks(std::string_view network);

}  // namespace bulkhead

// The network that an address is counted with when log-ins are limited: what one subscriber usually commands.
#pragma once

#include <string>
#include <string_view>

namespace bulkhead::identity {

// An IPv4 address's /24, also in its IPv4-mapped form (RFC 4291 section 2.5.5.2), or an IPv6 address's /64,
// in a form fit for a key; what is not an address ("local") stands for itself.
std::string network_of(std::string_view address);

}  // namespace bulkhead::identity

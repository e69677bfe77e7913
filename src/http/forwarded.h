// Whom a proxy says that it stands for, in X-Forwarded-For or in Forwarded (RFC 7239). All lines of the
// header are one list in their order (RFC 9110 section 5.3): a proxy may add a line or lengthen one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.h"

namespace bulkhead::http {

enum class ProxyHeader : std::uint8_t { x_forwarded_for, forwarded };

// What stands for each hop as it was written, the nearest last: views into the request. "" for an entry that
// cannot be read; a line of Forwarded that cannot be read to its end is one such entry.
std::vector<std::string_view> forwarded_nodes(const Request& request, ProxyHeader header);

// The IP address of such an entry in its one canonical spelling, without the port it may have; an IPv4
// address that is mapped into IPv6 is the IPv4 address. Nothing for names, "unknown" and the like.
std::optional<std::string> address_of_node(std::string_view node, ProxyHeader header);

}  // namespace bulkhead::http

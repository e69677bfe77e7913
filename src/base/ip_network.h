// Networks of IP addresses in CIDR notation (RFC 4632, RFC 4291): which peers a rule is about.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead {

// An IPv4 network and its IPv4-mapped IPv6 form (RFC 4291 section 2.5.5.2) are the same network, so a peer is
// recognised whichever kind of socket it came through.
class IpNetwork {
 public:
  // "10.0.0.0/8", "fd00::/8", or a single address. Bits past the prefix must be zero: "10.1.2.3/8" is more
  // often a mistake than a network.
  static std::optional<IpNetwork> parse(std::string_view text);

  // False for what is not an address.
  bool contains(std::string_view address) const;
  // As parse() takes it, always with the prefix.
  std::string text() const;

  friend bool operator==(const IpNetwork&, const IpNetwork&) = default;

 private:
  using Address = std::array<std::uint8_t, 16>;
  static std::optional<Address> parse_address(std::string_view text);

  Address address_{};
  unsigned prefix_ = 128;  // of the 128 bits
};

// An IPv4 or IPv6 address, without brackets, zone or port.
bool is_ip_address(std::string_view text);

}  // namespace bulkhead

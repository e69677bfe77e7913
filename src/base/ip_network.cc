#include "base/ip_network.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace bulkhead {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;

bool is_mapped(const std::array<std::uint8_t, 16>& address) {
  return std::equal(kMapped.begin(), kMapped.end(), address.begin());
}

std::optional<unsigned> parse_prefix(std::string_view text, unsigned most) {
  unsigned prefix = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), prefix);
  if (problem != std::errc() || end != text.data() + text.size() || prefix > most) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return prefix;
}

}  // namespace

std::optional<IpNetwork::Address> IpNetwork::parse_address(std::string_view text) {
  // inet_pton stops at a NUL, so a longer text would be read in part.
  if (text.find('\0') != text.npos) return std::nullopt;
  const std::string terminated(text);
  Address address{};
  if (::inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1) return address;
  if (::inet_pton(AF_INET, terminated.c_str(), address.data() + kMapped.size()) != 1) return std::nullopt;
  std::copy(kMapped.begin(), kMapped.end(), address.begin());
  return address;
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto host = text.substr(0, slash);
  const auto address = parse_address(host);
  if (!address) return std::nullopt;

  IpNetwork network;
  network.address_ = *address;
  if (slash != text.npos) {
    const bool is_v4 = host.find(':') == host.npos;
    const auto prefix = parse_prefix(text.substr(slash + 1), is_v4 ? 32 : 128);
    if (!prefix) return std::nullopt;
    network.prefix_ = is_v4 ? kMappedBits + *prefix : *prefix;
  }
  for (unsigned bit = network.prefix_; bit < 128; ++bit)
    if ((network.address_[bit / 8] >> (7 - bit % 8) & 1) != 0) return std::nullopt;
  return network;
}

bool IpNetwork::contains(std::string_view address) const {
  const auto peer = parse_address(address);
  if (!peer) return false;
  // "::/0" is every IPv6 address; an IPv4 peer is not one because of how a socket spells it.
  if (prefix_ < kMappedBits && is_mapped(*peer)) return false;
  const unsigned whole = prefix_ / 8;
  if (!std::equal(address_.begin(), address_.begin() + whole, peer->begin())) return false;
  const unsigned rest = prefix_ % 8;
  return rest == 0 || (address_[whole] ^ (*peer)[whole]) >> (8 - rest) == 0;
}

std::string IpNetwork::text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (is_mapped(address_) && prefix_ >= kMappedBits) {
    ::inet_ntop(AF_INET, address_.data() + kMapped.size(), buffer, sizeof buffer);
    return fmt::format("{}/{}", buffer, prefix_ - kMappedBits);
  }
  ::inet_ntop(AF_INET6, address_.data(), buffer, sizeof buffer);
  return fmt::format("{}/{}", buffer, prefix_);
}

bool is_ip_address(std::string_view text) {
  const auto network = IpNetwork::parse(text);
  return network && text.find('/') == text.npos;
}

}  // namespace bulkhead

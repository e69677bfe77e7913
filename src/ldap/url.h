// Where a directory listens: ldap://HOST[:PORT] or ldaps://HOST[:PORT], and nothing behind it. The search
// parameters that RFC 4516 allows in a URL have settings of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::ldap {

struct Url {
  bool secure = false;     // ldaps
  std::string host;        // a DNS name, an IPv4 address or an IPv6 address without brackets
  std::uint16_t port = 0;  // 0 for the scheme's own

  std::string render() const;

  friend bool operator==(const Url&, const Url&) = default;
};

std::optional<Url> parse_url(std::string_view text);
// One or more, with spaces between them.
std::optional<std::vector<Url>> parse_urls(std::string_view text);

}  // namespace bulkhead::ldap

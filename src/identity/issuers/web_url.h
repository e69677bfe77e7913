// URLs of other people's servers, as settings and discovery documents give them, held to a form that every
// program reads alike (RFC 3986 without the parts that are used to deceive): no user, no fragment, no
// escapes or capitals in the host, nothing outside printable ASCII.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bulkhead::identity {

inline constexpr std::size_t kLongestUrl = 1024;

struct WebUrl {
  bool secure = true;
  std::string host;        // a name, an IPv4 address, or an IPv6 address in brackets
  std::uint16_t port = 0;  // 0 where none is given
  std::string rest;        // path and query, "" or beginning with '/' or '?'
};

// Hosts that may be spoken to without TLS, by exact name.
using PlainHosts = std::vector<std::string>;

// Errc::invalid_argument, for http:// too unless `plain` names the host.
Result<WebUrl> parse_web_url(std::string_view text, const PlainHosts& plain);

// An issuer's name (OpenID Connect Discovery 1.0 section 4.3): such a URL without a query. Compared byte by
// byte ever after.
Result<std::string> parse_issuer(std::string_view text, const PlainHosts& plain);

}  // namespace bulkhead::identity

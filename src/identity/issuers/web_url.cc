#include "identity/issuers/web_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ip_network.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

constexpr std::size_t kLongestHost = 253;

Error refused(std::string_view text, std::string_view why) {
  return {Errc::invalid_argument, fmt::format("{} is not a URL to use here: {}", oci::quote(text), why)};
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > kLongestHost) return false;
  const auto allowed = [](char c) { return is_lower_or_digit(c) || c == '.' || c == '-'; };
  return std::all_of(text.begin(), text.end(), allowed) && is_lower_or_digit(text.front()) &&
         is_lower_or_digit(text.back()) && text.find("..") == text.npos;
}

bool is_host(std::string_view text) {
  if (!text.starts_with('[')) return is_host_name(text);
  return text.ends_with(']') && text.find(':') != text.npos && is_ip_address(text.substr(1, text.size() - 2));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (problem != std::errc() || end != text.data() + text.size() || port == 0 || text.front() == '0')
    return std::nullopt;
  return port;
}

// RFC 3986's characters of a path and a query.
bool is_rest(std::string_view text) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=:@/?%";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || kMarks.find(c) != kMarks.npos;
  });
}

}  // namespace

Result<WebUrl> parse_web_url(std::string_view text, const PlainHosts& plain) {
  if (text.size() > kLongestUrl)
    return refused(text, fmt::format("it is longer than {} characters", kLongestUrl));
  WebUrl url;
  std::string_view left = text;
  if (left.starts_with("https://")) {
    left.remove_prefix(8);
  } else if (left.starts_with("http://")) {
    left.remove_prefix(7);
    url.secure = false;
  } else {
    return refused(text, "it does not begin with https://");
  }
  const auto end = std::min(left.find_first_of("/?"), left.size());
  std::string_view host = left.substr(0, end);
  url.rest = left.substr(end);
  const auto colon = host.rfind(':');
  if (colon != host.npos && !host.ends_with(']')) {
    const auto port = parse_port(host.substr(colon + 1));
    if (!port) return refused(text, "what follows the host is not a port");
    url.port = *port;
    host = host.substr(0, colon);
  }
  if (!is_host(host)) return refused(text, "it names no host");
  if (!is_rest(url.rest)) return refused(text, "its path has characters that belong in no URL");
  url.host = host;
  if (!url.secure && std::find(plain.begin(), plain.end(), host) == plain.end())
    return refused(text, "http:// is only for the hosts that the setting outbound.plain_hosts names");
  return url;
}

Result<std::string> parse_issuer(std::string_view text, const PlainHosts& plain) {
  const auto url = parse_web_url(text, plain);
  if (!url) return url.error();
  if (url->rest.find('?') != std::string::npos) return refused(text, "an issuer has no query");
  return std::string(text);
}

}  // namespace bulkhead::identity

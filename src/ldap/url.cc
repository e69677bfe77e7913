#include "ldap/url.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace bulkhead::ldap {
namespace {

constexpr std::size_t kLongestHost = 253;

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// Labels joined by dots; an IPv4 address is one as well.
bool is_host(std::string_view text) {
  if (text.empty() || text.size() > kLongestHost) return false;
  bool in_label = false;
  for (const char c : text) {
    if (c == '.' ? !in_label : !is_host_character(c)) return false;
    in_label = c != '.';
  }
  return in_label && text.front() != '-';
}

bool is_ipv6_address(const std::string& text) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0 || text.front() == '0')
    return std::nullopt;
  return port;
}

}  // namespace

std::string Url::render() const {
  const bool bracketed = host.find(':') != std::string::npos;
  std::string text =
      fmt::format("{}://{}{}{}", secure ? "ldaps" : "ldap", bracketed ? "[" : "", host, bracketed ? "]" : "");
  if (port != 0) text += fmt::format(":{}", port);
  return text;
}

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (text.starts_with("ldaps://")) {
    url.secure = true;
    text.remove_prefix(8);
  } else if (text.starts_with("ldap://")) {
    text.remove_prefix(7);
  } else {
    return std::nullopt;
  }
  std::size_t end = 0;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    url.host = text.substr(1, bracket - 1);
    if (url.host.find('\0') != std::string::npos || !is_ipv6_address(url.host)) return std::nullopt;
    end = bracket + 1;
  } else {
    end = std::min(text.find(':'), text.size());
    url.host = text.substr(0, end);
    if (!is_host(url.host)) return std::nullopt;
  }
  text.remove_prefix(end);
  if (text.empty()) return url;
  if (text.front() != ':' || text.size() == 1) return std::nullopt;
  const auto port = parse_port(text.substr(1));
  if (!port) return std::nullopt;
  url.port = *port;
  return url;
}

std::optional<std::vector<Url>> parse_urls(std::string_view text) {
  std::vector<Url> urls;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.empty()) continue;
    auto url = parse_url(one);
    if (!url) return std::nullopt;
    urls.push_back(*std::move(url));
  }
  if (urls.empty()) return std::nullopt;
  return urls;
}

}  // namespace bulkhead::ldap

#include "api/login/browser.h"

#include <fmt/format.h>

#include <algorithm>

namespace bulkhead::api {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

bool is_this_machine(std::string_view host) {
  for (const std::string_view name : {"localhost", "127.0.0.1", "[::1]"}) {
    if (!host.starts_with(name)) continue;
    const std::string_view rest = host.substr(name.size());
    if (rest.empty()) return true;
    if (rest.size() > 1 && rest.size() <= 6 && rest.front() == ':' &&
        std::all_of(rest.begin() + 1, rest.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return true;
  }
  return false;
}

}  // namespace

std::optional<std::string_view> cookie(const http::Request& request, std::string_view name) {
  std::optional<std::string_view> found;
  for (const http::HeaderView& header : request.headers) {
    if (!http::equals_ignoring_case(header.name, "Cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view pair = trimmed(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
      if (found) return std::nullopt;
      found = pair.substr(equals + 1);
    }
  }
  return found;
}

std::string set_cookie(std::string_view name, std::string_view value, std::string_view same_site) {
  return fmt::format("{}={}; Path=/; Secure; HttpOnly; SameSite={}", name, value, same_site);
}

std::string drop_cookie(std::string_view name, std::string_view same_site) {
  return set_cookie(name, "", same_site) + "; Max-Age=0";
}

std::string_view host_of(std::string_view origin) {
  const std::size_t scheme = origin.find("://");
  if (scheme != std::string_view::npos) origin.remove_prefix(scheme + 3);
  return origin.substr(0, origin.find('/'));
}

std::string browser_origin(const http::Request& request, const Options& options, bool encrypted) {
  if (!options.public_url.empty()) return options.public_url;
  const std::string_view host = request.header("Host").value_or("");
  if (!is_this_machine(host)) return {};
  return fmt::format("{}://{}", encrypted ? "https" : "http", host);
}

std::string login_callback_url(std::string_view origin, std::string_view provider) {
  return fmt::format("{}/login/callback/{}", origin, provider);
}

bool has_origin(const http::Request& request, std::string_view origin) {
  return !origin.empty() && request.count("Origin") == 1 && request.header("Origin") == origin;
}

bool from_origin(const http::Request& request, std::string_view origin) {
  if (request.count("Sec-Fetch-Site") > 1 || request.count("Origin") > 1) return false;
  const auto site = request.header("Sec-Fetch-Site");
  if (site && *site != "same-origin") return false;
  const auto sent = request.header("Origin");
  // A page without a referrer policy that allows it sends "null", and says the rest in Sec-Fetch-Site.
  if (site && (!sent || *sent == "null")) return true;
  return has_origin(request, origin);
}

}  // namespace bulkhead::api

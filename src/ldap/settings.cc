#include <fmt/format.h>
#include <ldap.h>

#include <algorithm>

#include "base/utf8.h"
#include "ldap/directory.h"
#include "ldap/filter.h"
#include "ldap/url.h"

namespace bulkhead::ldap {
namespace {

constexpr std::size_t kLongestUrls = 1024;
constexpr std::size_t kLongestDn = 1024;
constexpr std::size_t kLongestAttribute = 128;

Error wrong(std::string message) { return {Errc::invalid_argument, std::move(message)}; }

bool is_dn(std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto point = take_code_point(rest);
    if (!point || is_control(*point)) return false;
  }
  LDAPDN dn = nullptr;
  const int result = ::ldap_str2dn(std::string(text).c_str(), &dn, LDAP_DN_FORMAT_LDAPV3);
  ::ldap_dnfree(dn);
  return result == LDAP_SUCCESS;
}

Result<void> check_dn(std::string_view name, std::string_view value) {
  if (value.size() > kLongestDn) return wrong(fmt::format("{} is longer than {} bytes", name, kLongestDn));
  if (!is_dn(value))
    return wrong(fmt::format("{} is not a distinguished name as RFC 4514 writes them", name));
  return {};
}

Result<void> check_attribute(std::string_view name, std::string_view value) {
  if (value.size() > kLongestAttribute || !is_descriptor(value))
    return wrong(fmt::format("{} must be the name of an attribute, such as uid", name));
  return {};
}

Result<void> check_url(const Settings& settings, const std::vector<std::string>& plain_hosts) {
  const auto urls = settings.url.size() <= kLongestUrls ? parse_urls(settings.url) : std::nullopt;
  if (!urls || urls->size() > kMostUrls)
    return wrong(fmt::format(
        "url must be ldaps://HOST[:PORT] or ldap://HOST[:PORT], with nothing behind it, or up to {} "
        "of these with spaces between them",
        kMostUrls));
  for (const Url& url : *urls) {
    if (url.secure && settings.start_tls)
      return wrong("start_tls is for an ldap:// URL; an ldaps:// URL is encrypted from the first byte");
    const bool plain = std::find(plain_hosts.begin(), plain_hosts.end(), url.host) != plain_hosts.end();
    if (!url.secure && !settings.start_tls && !plain)
      return wrong("url must be encrypted: use ldaps://, or ldap:// with start_tls");
  }
  return {};
}

}  // namespace

Result<void> check(const Settings& settings, const std::vector<std::string>& plain_hosts) {
  if (const auto checked = check_url(settings, plain_hosts); !checked) return checked.error();
  if (settings.user_base.empty()) return wrong("user_base must name the entry below which people are");
  for (const auto& [name, value] :
       {std::pair<std::string_view, std::string_view>{"bind_dn", settings.bind_dn},
        {"user_base", settings.user_base},
        {"group_base", settings.group_base}})
    if (const auto checked = check_dn(name, value); !checked) return checked.error();
  for (const auto& [name, value] :
       {std::pair<std::string_view, std::string_view>{"id_attribute", settings.id_attribute},
        {"name_attribute", settings.name_attribute},
        {"display_name_attribute", settings.display_name_attribute},
        {"email_attribute", settings.email_attribute},
        {"group_name_attribute", settings.group_name_attribute}})
    if (const auto checked = check_attribute(name, value); !checked) return checked.error();
  if (const auto checked = check_filter(settings.user_filter, FilterKind::user); !checked)
    return checked.error();
  return check_filter(settings.group_filter, FilterKind::group);
}

}  // namespace bulkhead::ldap

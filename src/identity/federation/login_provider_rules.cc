#include "identity/federation/login_provider_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/shown.h"
#include "base/utf8.h"
#include "identity/people/account.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

// Paths below /login/ that are no provider's.
constexpr std::array<std::string_view, 2> kReserved = {"callback", "device"};

Error refused(std::string why) { return {Errc::invalid_argument, std::move(why)}; }

// UTF-8 without control characters; the length is looked at first, so that megabytes cost nothing.
Result<void> check_text(std::string_view what, std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() < least || text.size() > most)
    return refused(fmt::format("{} has {} to {} bytes; this one has {}", what, least, most, text.size()));
  for (std::string_view rest = text; !rest.empty();) {
    const auto point = take_code_point(rest);
    if (!point) return refused(fmt::format("{} is not valid UTF-8", what));
    if (is_control(*point)) return refused(fmt::format("{} contains a control character", what));
  }
  return {};
}

// RFC 6749 appendix A.1: VSCHAR.
bool is_client_id(std::string_view text) {
  return !text.empty() && text.size() <= kLongestClientId &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// RFC 6749 section 3.3: scope-token.
bool is_scope(std::string_view text) {
  return !text.empty() && text.size() <= kLongestScope &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

Result<void> check_scopes(const std::vector<std::string>& scopes) {
  if (scopes.size() > kMostScopes)
    return refused(
        fmt::format("a log-in asks for at most {} scopes; these are {}", kMostScopes, scopes.size()));
  std::set<std::string_view> seen;
  for (const std::string& scope : scopes) {
    if (!is_scope(scope))
      return refused(
          fmt::format("{} is no scope: one has 1 to {} visible ASCII characters, neither '\"' nor '\\'",
                      oci::quote(scope), kLongestScope));
    if (!seen.insert(scope).second)
      return refused(fmt::format("the scope {} is there twice", oci::quote(scope)));
  }
  if (!seen.contains("openid"))
    return refused("the scopes lack \"openid\", without which a provider vouches for nobody");
  return {};
}

// A claim's name or a JSON Pointer, as JwtClaims::text() takes it.
Result<void> check_claim_path(std::string_view what, std::string_view path) {
  if (auto plain = check_text(what, path, 1, kLongestClaimPath); !plain) return plain;
  if (!path.starts_with('/')) return {};
  for (std::size_t at = path.find('~'); at != std::string_view::npos; at = path.find('~', at + 1))
    if (at + 1 == path.size() || (path[at + 1] != '0' && path[at + 1] != '1'))
      return refused(fmt::format("{} is no JSON Pointer: a '~' in it is written ~0", what));
  return {};
}

Result<void> check_settings(const OidcSettings& settings, const PlainHosts& plain) {
  if (const auto issuer = parse_issuer(settings.issuer, plain); !issuer) return issuer.error();
  if (!is_client_id(settings.client_id))
    return refused(fmt::format("the client id has 1 to {} characters of printable ASCII", kLongestClientId));
  if (auto scopes = check_scopes(settings.scopes); !scopes) return scopes;
  if (auto claim = check_claim_path("the name claim", settings.name_claim); !claim) return claim;
  if (settings.groups_claim.empty()) return {};
  return check_claim_path("the groups claim", settings.groups_claim);
}

Result<void> check_settings(const ldap::Settings& settings, const PlainHosts& plain) {
  const std::array<std::pair<std::string_view, const std::string*>, 11> texts = {{
      {"the URL", &settings.url},
      {"the bind DN", &settings.bind_dn},
      {"the user base", &settings.user_base},
      {"the user filter", &settings.user_filter},
      {"the id attribute", &settings.id_attribute},
      {"the name attribute", &settings.name_attribute},
      {"the display name attribute", &settings.display_name_attribute},
      {"the e-mail attribute", &settings.email_attribute},
      {"the group base", &settings.group_base},
      {"the group filter", &settings.group_filter},
      {"the group name attribute", &settings.group_name_attribute},
  }};
  for (const auto& [what, text] : texts)
    if (auto plain_text = check_text(what, *text, 0, kLongestLdapSetting); !plain_text) return plain_text;
  return ldap::check(settings, plain);
}

bool tells_groups(const LoginProvider& provider) {
  const auto* oidc = std::get_if<OidcSettings>(&provider.settings);
  return oidc != nullptr ? !oidc->groups_claim.empty()
                         : !std::get<ldap::Settings>(provider.settings).group_base.empty();
}

}  // namespace

Result<void> check_group(std::string_view group) {
  if (auto plain = check_text("a group's name", group, 1, kLongestGroup); !plain) return plain;
  if (!shows(group))
    return refused("a group's name contains a character that cannot be seen and changes how the others read");
  return {};
}

Result<void> check_provider(const LoginProvider& provider, const PlainHosts& plain) {
  if (const auto name = parse_component(provider.name, "a log-in provider's name"); !name)
    return name.error();
  if (std::ranges::find(kReserved, provider.name) != kReserved.end())
    return Error{Errc::name_invalid, fmt::format("the name '{}' is reserved; choose another", provider.name)};
  if (provider.admitted_groups.size() > kMostAdmittedGroups)
    return refused(fmt::format("a provider admits at most {} groups; these are {}", kMostAdmittedGroups,
                               provider.admitted_groups.size()));
  std::set<std::string_view> seen;
  for (const std::string& group : provider.admitted_groups) {
    if (auto good = check_group(group); !good) return good;
    if (!seen.insert(group).second)
      return refused(fmt::format("the admitted group {} is there twice", oci::quote(group)));
  }
  if (!provider.admitted_groups.empty() && !tells_groups(provider))
    return refused(
        "admitted_groups needs to know the groups of people: set groups_claim, or the group base of a "
        "directory");
  return std::visit([&](const auto& settings) { return check_settings(settings, plain); }, provider.settings);
}

Result<void> check_provider_secret(const LoginProvider& provider, const Secret<>& secret) {
  if (auto plain = check_text("the secret", secret.reveal(), 0, kLongestProviderSecret); !plain) return plain;
  const auto* directory = std::get_if<ldap::Settings>(&provider.settings);
  if (directory == nullptr) return {};
  // A bind with a name and no password is one that many directories take for anonymous (RFC 4513 section
  // 5.1.2).
  if (!directory->bind_dn.empty() && secret.empty())
    return refused("the account that searches the directory needs its password as the secret");
  if (directory->bind_dn.empty() && !secret.empty())
    return refused("a secret is the password of the account that searches: give its bind DN too");
  return {};
}

bool same_addressee(const LoginProvider& one, const LoginProvider& other) {
  if (one.kind() != other.kind()) return false;
  if (const auto* oidc = std::get_if<OidcSettings>(&one.settings))
    return oidc->issuer == std::get<OidcSettings>(other.settings).issuer;
  const auto& here = std::get<ldap::Settings>(one.settings);
  const auto& there = std::get<ldap::Settings>(other.settings);
  return here.url == there.url && here.start_tls == there.start_tls && here.bind_dn == there.bind_dn;
}

}  // namespace bulkhead::identity

// Where people are known: an OpenID provider or an LDAP directory, and how it is asked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "ldap/directory.h"

namespace bulkhead::identity {

struct OidcSettings {
  std::string issuer;  // web_url.h: parse_issuer()
  std::string client_id;
  std::vector<std::string> scopes = {"openid", "profile", "email"};  // "openid" always
  std::string name_claim = "preferred_username";                     // as JwtClaims::text() takes it
  std::string groups_claim = "groups";                               // "" where groups do not matter
  // A session counts as one with a second factor when the ID token's "amr" says so (RFC 8176: mfa, otp, hwk,
  // …).
  bool trust_factors = false;

  bool operator==(const OidcSettings&) const = default;
};

enum class ProviderKind : std::uint8_t { oidc, ldap };
std::string_view name(ProviderKind kind);
// The words that name() gives; Errc::invalid_argument.
Result<ProviderKind> parse_provider_kind(std::string_view text);

struct LoginProvider {
  std::int64_t id = 0;
  std::string name;  // a component (account.h)
  bool enabled = true;
  // Whether somebody without an account here gets one with their first log-in.
  bool creates_accounts = true;
  // Only members of one of these groups get in; empty: everybody whom the provider knows.
  std::vector<std::string> admitted_groups;
  std::variant<OidcSettings, ldap::Settings> settings;
  Time created_at{};
  // The settings as its row has them: what rests on them asks in its transaction that they are still the
  // same.
  std::string stored;
  bool has_secret = false;  // whether one is stored; says nothing of whether its key is still there

  ProviderKind kind() const { return static_cast<ProviderKind>(settings.index()); }
};

struct GroupMapping {
  std::string provider;
  std::string group;  // as the provider names it; compared as group_names.h says
  std::int64_t team_id = 0;
  std::string team;  // ORGANIZATION/TEAM
};

}  // namespace bulkhead::identity

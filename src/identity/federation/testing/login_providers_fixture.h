// An installation with log-in providers, sealed for real, and teams to map groups to.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/federation/login_providers.h"
#include "identity/keys/data_keys.h"
#include "identity/login/policies.h"
#include "identity/login/sessions.h"
#include "identity/people/testing/directory_fixture.h"

namespace bulkhead::identity::testing {

class LoginProvidersFixture : public DirectoryFixture {
 protected:
  static constexpr std::string_view kSecret = "canary-5ecret-of-the-provider";

  static LoginProvider oidc(std::string_view name) {
    LoginProvider provider;
    provider.name = name;
    OidcSettings settings;
    settings.issuer = "https://login.example.com/tenant";
    settings.client_id = "bulkhead";
    provider.settings = std::move(settings);
    return provider;
  }
  static LoginProvider ldap(std::string_view name) {
    LoginProvider provider;
    provider.name = name;
    ldap::Settings settings;
    settings.url = "ldaps://ldap.example.com";
    settings.bind_dn = "cn=bulkhead,dc=example,dc=com";
    settings.user_base = "ou=people,dc=example,dc=com";
    provider.settings = std::move(settings);
    return provider;
  }
  static OidcSettings& oidc_of(LoginProvider& provider) { return std::get<OidcSettings>(provider.settings); }
  static ldap::Settings& ldap_of(LoginProvider& provider) {
    return std::get<ldap::Settings>(provider.settings);
  }

  Result<LoginProvider> create(const LoginProvider& provider, std::string_view secret = kSecret) {
    return providers_.create(provider, Secret<>(std::string(secret)), some_origin());
  }
  LoginProvider created(const LoginProvider& provider) { return create(provider).value(); }
  // Without a secret the old one stays.
  Result<LoginProvider> change(const LoginProvider& provider, std::optional<std::string> secret = {}) {
    std::optional<Secret<>> given;
    if (secret) given.emplace(*secret);
    return providers_.change(provider.id, provider, given, some_origin());
  }
  std::string secret_of(const LoginProvider& provider) {
    return providers_.secret(provider.id).value().reveal();
  }

  Result<void> map(const LoginProvider& provider, std::string_view group, const Team& team) {
    return providers_.add_mapping(provider.id, group, team.id, some_origin());
  }
  Result<void> unmap(const LoginProvider& provider, std::string_view group, const Team& team) {
    return providers_.remove_mapping(provider.id, group, team.id, some_origin());
  }
  // As the log-in of somebody whom the provider's directory has in these teams.
  void enter(const LoginProvider& provider, const Account& account, std::vector<std::int64_t> team_ids) {
    ASSERT_THAT(teams_.set_directory_memberships(account.id, provider.id, team_ids, some_origin()),
                db::testing::Succeeds());
  }
  bool in_team(const Team& team, const Account& account) {
    for (const TeamMember& member : teams_.members(team.id, "", 100).value())
      if (member.account_id == account.id) return true;
    return false;
  }
  void link(const LoginProvider& provider, std::string_view subject, const Account& account) {
    installation_.write(
        "INSERT INTO external_identities (provider_id, subject, account_id, last_seen_at) VALUES (?, ?, ?, "
        "0)",
        {provider.id, std::string(subject), account.id});
  }
  void begin_log_in(const LoginProvider& provider) {
    installation_.write(
        "INSERT INTO login_requests (provider_id, stage, sealed, client, address, network, created_at, "
        "expires_at) "
        "VALUES (?, 'open', '', '', '', '', 0, 1)",
        {provider.id});
  }

  std::unique_ptr<DataKeys> sealer_ =
      DataKeys::open(*installation_.database, installation_.keyring, installation_.clock).value();
  Policies policies_{*installation_.database, installation_.clock, 100};
  Sessions sessions_{*installation_.database,
                     installation_.keyring,
                     *sealer_,
                     installation_.accounts,
                     policies_,
                     installation_.clock,
                     {}};
  LoginProviders providers_{directory_, sessions_, *sealer_, {"localhost"}};
};

}  // namespace bulkhead::identity::testing

// The installation's log-in providers, their secrets and their group mappings.
//
// Calls block. Thread-safe. Every change writes its event. Secrets are sealed (docs/formats/sealing.md) and
// come back only to those who ask the provider with them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/secret.h"
#include "crypto/sealer.h"
#include "identity/federation/login_provider.h"
#include "identity/issuers/web_url.h"
#include "identity/login/sessions.h"
#include "identity/people/directory.h"

namespace bulkhead::identity {

class LoginProviders {
 public:
  static constexpr std::size_t kMost = 32;
  static constexpr std::size_t kMostMappings = 1000;  // of one provider

  // All must outlive this.
  LoginProviders(const Directory& directory, Sessions& sessions, crypto::Sealer& sealer, PlainHosts plain)
      : directory_(directory), sessions_(sessions), sealer_(sealer), plain_(std::move(plain)) {}

  // What a provider is made of; its id, its time and whether it has a secret are
  // not looked at. The secret: the OpenID client's, or the
  // password of the directory's own account; "" for none. Errc::name_invalid, Errc::invalid_argument,
  // Errc::conflict for a name that is taken and when there are kMost.
  Result<LoginProvider> create(const LoginProvider& provider, const Secret<>& secret,
                               const audit::Origin& origin);
  // All but the kind. Without a secret the old one stays, unless the address that it is sent to changes: then
  // Errc::invalid_argument, for whoever may change settings must not learn the secret by naming their own
  // server. Errc::conflict for another issuer or id attribute while accounts are linked: the ids of their
  // people would be somebody else's. What changes the settings, whom it lets in included, or disables the
  // provider, ends log-ins under way: devices' go at once, and what waits for the provider's answer is
  // refused once that comes.
  Result<LoginProvider> change(std::int64_t id, const LoginProvider& provider,
                               const std::optional<Secret<>>& secret, const audit::Origin& origin);
  struct Removed {
    std::int64_t identities = 0;
    std::int64_t mappings = 0;
    std::int64_t sessions = 0;
  };
  // With its mappings, the memberships that they gave, the identities of its people, log-ins under way, and
  // the sessions that it vouched for. The accounts stay.
  Result<Removed> remove(std::int64_t id, const audit::Origin& origin);

  Result<LoginProvider> find(std::int64_t id) const;  // Errc::not_found
  Result<LoginProvider> find(std::string_view name) const;
  Result<std::vector<LoginProvider>> list() const;  // by name
  // Errc::corrupt when its key is gone: somebody has to enter it again.
  Result<Secret<>> secret(std::int64_t id) const;

  // By group, then team.
  Result<std::vector<GroupMapping>> mappings(std::int64_t id) const;
  // Of all providers, by provider, then group.
  Result<std::vector<GroupMapping>> mappings_of_team(std::int64_t team_id) const;
  // Success, without an event, for one that is there already.
  Result<void> add_mapping(std::int64_t id, std::string_view group, std::int64_t team_id,
                           const audit::Origin& origin);
  // Errc::not_found. When no other group of any provider is mapped to the team, the memberships that a
  // directory gave in it end; otherwise they are looked at again with each person's next log-in or refresh.
  Result<void> remove_mapping(std::int64_t id, std::string_view group, std::int64_t team_id,
                              const audit::Origin& origin);

 private:
  const Directory& directory_;
  Sessions& sessions_;
  crypto::Sealer& sealer_;
  PlainHosts plain_;
};

}  // namespace bulkhead::identity

// What the HTTP layer works with: references to the services that app/ made. No ownership, no logic.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "access/facts.h"
#include "access/tokens.h"
#include "audit/journal.h"
#include "base/ip_network.h"
#include "base/log.h"
#include "db/database.h"
#include "identity/factors/mfa.h"
#include "identity/factors/recovery_codes.h"
#include "identity/factors/totp.h"
#include "identity/factors/webauthn.h"
#include "identity/federation/directory_login.h"
#include "identity/federation/login_providers.h"
#include "identity/federation/login_requests.h"
#include "identity/federation/oidc_login.h"
#include "identity/federation/session_refresh.h"
#include "identity/federation/single_sign_on.h"
#include "identity/login/access_tokens.h"
#include "identity/login/leaked.h"
#include "identity/login/login.h"
#include "identity/login/policies.h"
#include "identity/login/registry_login.h"
#include "identity/login/sessions.h"
#include "identity/login/setup.h"
#include "identity/people/accounts.h"
#include "identity/people/invitations.h"
#include "identity/people/members.h"
#include "identity/people/organizations.h"
#include "identity/people/robots.h"
#include "identity/people/teams.h"
#include "identity/workload/workload.h"

// What brings Asio with it is named only: management/ does without.
namespace bulkhead::async {
class OffloadPool;
}
namespace bulkhead::blob {
class Verifier;
}
namespace bulkhead::registry {
class Blobs;
class Manifests;
class Uploads;
}  // namespace bulkhead::registry

namespace bulkhead::api {

struct Options {
  std::string service = "bulkhead";
  std::string public_url;          // "" when not configured: Locations are relative
  std::vector<std::string> hosts;  // host names that a token realm may be built from, besides loopback ones
  std::string listen_address;      // "127.0.0.1:5000": the realm's host when nothing else may be
  std::size_t manifest_bytes = 4 << 20;
  std::size_t page_size = 1000;  // the largest page; also what no `n` means
  std::size_t tags_per_put = 100;
  std::size_t token_scopes = 32;
  std::uint64_t transfer_memory = 64ull << 20;
  bool log_requests = false;
  bool metrics = true;
  bool metrics_public = false;
  std::vector<IpNetwork> trusted_proxies;  // peers whose X-Forwarded-For is believed
};

struct Services {
  db::Database& database;
  identity::Accounts& accounts;
  identity::LogIn& login;
  identity::Setup& setup;
  access::Facts& facts;
  access::Tokens& tokens;
  registry::Blobs& blobs;
  registry::Uploads& uploads;
  registry::Manifests& manifests;
  blob::Verifier& verifier;
  audit::Journal& journal;
  async::OffloadPool& work;       // database and disk
  async::OffloadPool& passwords;  // Argon2id, few at once
  const Clock& clock;
  Log& log;
  const crypto::Keyring& keyring;
  identity::Policies& policies;
  identity::Sessions& sessions;
  identity::AccessTokens& access_tokens;
  identity::RegistryLogIn& registry_login;
  identity::Leaked& leaked;
  identity::Organizations& organizations;
  identity::Members& members;
  identity::Teams& teams;
  identity::Robots& robots;
  identity::Invitations& invitations;
  identity::Mfa& mfa;
  identity::Totp& totp;
  identity::RecoveryCodes& recovery_codes;
  identity::WebAuthn& webauthn;
  identity::Workload& workload;
  identity::LoginProviders& login_providers;
  identity::SingleSignOn& single_sign_on;
  identity::DirectoryLogIn& directory_login;
  identity::OidcLogIn& oidc_login;
  identity::LoginRequests& login_requests;
  identity::SessionRefresh& session_refresh;
};

}  // namespace bulkhead::api

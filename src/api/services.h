// What the HTTP layer works with: references to the services that app/ made. No ownership, no logic.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ip_network.h"
#include "base/log.h"
#include "http/body_memory.h"
#include "http/forwarded.h"

// Named only: whoever uses a service includes its header.
namespace bulkhead::access {
class Facts;
class Tokens;
}  // namespace bulkhead::access
namespace bulkhead::async {
class FairPool;
class LanePool;
}  // namespace bulkhead::async
namespace bulkhead::audit {
class Journal;
}  // namespace bulkhead::audit
namespace bulkhead::blob {
class Verifier;
}  // namespace bulkhead::blob
namespace bulkhead::crypto {
class Keyring;
}  // namespace bulkhead::crypto
namespace bulkhead::db {
class Database;
}  // namespace bulkhead::db
namespace bulkhead::identity {
class AccessTokens;
class Accounts;
class DirectoryLogIn;
class Invitations;
class Leaked;
class LogIn;
class LoginProviders;
class LoginRequests;
class Members;
class Mfa;
class OidcLogIn;
class Organizations;
class Policies;
class RecoveryCodes;
class RegistryLogIn;
class Robots;
class SessionRefresh;
class Sessions;
class Setup;
class SingleSignOn;
class Teams;
class Totp;
class Unlock;
class WebAuthn;
class Workload;
}  // namespace bulkhead::identity
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
  std::size_t token_scopes = 300;
  std::uint32_t changes_per_hour = 3600;
  std::uint64_t transfer_memory = 64ull << 20;
  http::BodyMemoryLimits bodies;
  bool log_requests = false;
  bool metrics = true;
  bool metrics_public = false;
  std::vector<IpNetwork> trusted_proxies;  // peers that are believed when they say whom they stand for
  http::ProxyHeader proxy_header = http::ProxyHeader::x_forwarded_for;
};

// What the server tells of itself to those who are logged in.
struct ServerFacts {
  Time started_at{};
  std::string public_url;           // "" when not configured
  std::filesystem::path data;       // on whose disk the contents are
  std::uint64_t reserve_bytes = 0;  // of that disk, which pushes leave free
  std::uint64_t upload_bytes = 0;   // of one blob; 0 for no limit
  std::uint64_t manifest_bytes = 0;
  std::uint64_t tags_per_repository = 0;
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
  async::FairPool& work;       // database and disk, whose turns are by account, and by network (at_work())
  async::FairPool& passwords;  // Argon2id, few at once
  // What waits for other people's servers, a lane for each; nothing else waits with it.
  async::LanePool& directories;
  async::LanePool& providers;  // OpenID
  async::LanePool& issuers;    // of workloads' tokens
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
  identity::Unlock& unlock;
  ServerFacts server = {};
};

}  // namespace bulkhead::api

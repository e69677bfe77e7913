// Everything that one data directory holds, opened and wired: the composition root of the server and of the
// operator's commands alike. Nothing else in the program knows all the parts.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "access/facts.h"
#include "access/tokens.h"
#include "api/services.h"
#include "app/data_directory.h"
#include "app/disk_reserve.h"
#include "app/fetcher.h"
#include "async/fair_pool.h"
#include "async/lanes.h"
#include "async/offload.h"
#include "audit/journal.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "blob/store.h"
#include "blob/verify.h"
#include "config/settings.h"
#include "crypto/keyring.h"
#include "crypto/password.h"
#include "db/database.h"
#include "identity/factors/mfa.h"
#include "identity/factors/recovery_codes.h"
#include "identity/factors/totp.h"
#include "identity/factors/webauthn.h"
#include "identity/federation/directory_login.h"
#include "identity/federation/login_providers.h"
#include "identity/federation/login_requests.h"
#include "identity/federation/oidc_client.h"
#include "identity/federation/oidc_login.h"
#include "identity/federation/session_refresh.h"
#include "identity/federation/single_sign_on.h"
#include "identity/issuers/issuer_keys.h"
#include "identity/keys/data_keys.h"
#include "identity/keys/key_checks.h"
#include "identity/keys/key_rotation.h"
#include "identity/login/access_tokens.h"
#include "identity/login/leaked.h"
#include "identity/login/login.h"
#include "identity/login/policies.h"
#include "identity/login/registry_login.h"
#include "identity/login/sessions.h"
#include "identity/login/setup.h"
#include "identity/login/unlock.h"
#include "identity/people/accounts.h"
#include "identity/people/directory.h"
#include "identity/people/invitations.h"
#include "identity/people/members.h"
#include "identity/people/organizations.h"
#include "identity/people/robots.h"
#include "identity/people/teams.h"
#include "identity/secrets/code_limiter.h"
#include "identity/workload/workload.h"
#include "ldap/directory.h"
#include "registry/blobs.h"
#include "registry/manifests.h"
#include "registry/uploads.h"

namespace bulkhead::app {

struct Opening {
  // What to do where there is no installation, or one that was never finished.
  enum class Missing { make, refuse };
  Missing missing = Missing::refuse;
  // Go on with the keyring that is there, and with new keys where there are none, although the database was
  // used with others (identity/keys/key_checks.h).
  bool accept_new_keys = false;
  // Of a server that starts: asked before what is there is changed, which is the schema of an older
  // bulkhead's database, and keys that are plain where the settings name what seals them. Its error refuses
  // the start. None, as for commands: such a database is Errc::conflict, such keys stay plain, and both are
  // told.
  std::function<Result<void>()> may_change = {};
};

class Installation {
 public:
  // One process at a time has a data directory: Errc::conflict while another does. Errc::not_found where
  // nothing is there and nothing is to be made. Before anything is made or opened the directory is looked at
  // (data_directory.h), and before a key is made the keyring is compared with what the database knows of it.
  static Result<std::unique_ptr<Installation>> open(const config::Settings& settings, Log& log,
                                                    const Opening& opening);

  const config::Settings& settings() const { return settings_; }
  std::filesystem::path journal_directory() const { return settings_.data / "journal"; }
  api::Services services();
  // Ends the pools. Before the event loops are destroyed: work under way refers to what their coroutines
  // hold.
  void finish_work();

  db::Database& database() { return *database_; }
  crypto::Keyring& keyring() { return *keyring_; }
  identity::DataKeys& data_keys() { return *data_keys_; }
  identity::KeyRotation& key_rotation() { return *key_rotation_; }
  identity::Accounts& accounts() { return *accounts_; }
  identity::Setup& setup() { return *setup_; }
  identity::Unlock& unlock() { return *unlock_; }
  identity::Policies& policies() { return *policies_; }
  identity::Mfa& mfa() { return *mfa_; }
  identity::AccessTokens& access_tokens() { return *access_tokens_; }
  identity::Sessions& sessions() { return *sessions_; }
  identity::LoginRequests& login_requests() { return *login_requests_; }
  access::Facts& facts() { return *facts_; }
  registry::Manifests& manifests() { return *manifests_; }
  registry::Uploads& uploads() { return *uploads_; }
  audit::Journal& journal() { return *journal_; }
  const HttpFetcher& fetcher() const { return *fetcher_; }
  const ldap::Directory& ldap() const { return *ldap_; }
  async::FairPool& work() { return *work_; }
  async::FairPool& passwords() { return *passwords_; }
  async::OffloadPool& operators() { return *operators_; }
  async::OffloadPool& files() { return *files_; }
  DiskReserve& reserve() { return reserve_; }
  const Clock& clock() const { return clock_; }
  Time started_at() const { return started_at_; }
  Log& log() { return log_; }

 private:
  Installation(const config::Settings& settings, Log& log, FileDescriptor lock);
  Result<void> assemble(const Opening& opening, const DataDirectory& found);
  void assemble_identity();
  void assemble_factors();
  void assemble_sign_on();
  Result<void> upgrade(const Opening& opening, std::int64_t from, std::int64_t to);
  Result<void> open_database(const Opening& opening, const DataDirectory& found);
  Result<void> check_contents(const DataDirectory& found);
  Result<void> open_keys(const Opening& opening);
  Result<std::unique_ptr<crypto::KeySource>> usable_source(const Opening& opening,
                                                           const std::filesystem::path& directory);
  Result<void> record(audit::Action action, std::string detail);
  // Everything that memory knows of the database.
  void forget();

  config::Settings settings_;
  Log& log_;
  SystemClock clock_;
  const Time started_at_ = clock_.now();
  FileDescriptor lock_;
  DiskReserve reserve_;
  // In the order of dependence: each is destroyed before what it refers to. The pools come last, so that no
  // work is under way when the rest goes.
  std::unique_ptr<crypto::Keyring> keyring_;
  std::unique_ptr<crypto::PasswordHasher> hasher_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<identity::DataKeys> data_keys_;
  std::unique_ptr<identity::KeyRotation> key_rotation_;
  std::unique_ptr<blob::BlobStore> store_;
  std::unique_ptr<blob::Verifier> verifier_;
  std::unique_ptr<audit::Journal> journal_;
  std::unique_ptr<identity::Accounts> accounts_;
  std::unique_ptr<identity::LogIn> login_;
  std::unique_ptr<identity::Setup> setup_;
  std::unique_ptr<identity::Policies> policies_;
  std::unique_ptr<identity::Sessions> sessions_;
  std::unique_ptr<identity::AccessTokens> access_tokens_;
  std::unique_ptr<identity::RegistryLogIn> registry_login_;
  std::unique_ptr<identity::Leaked> leaked_;
  std::unique_ptr<access::Facts> facts_;
  std::unique_ptr<identity::Directory> directory_;
  std::unique_ptr<identity::Organizations> organizations_;
  std::unique_ptr<identity::Members> members_;
  std::unique_ptr<identity::Teams> teams_;
  std::unique_ptr<identity::Robots> robots_;
  std::unique_ptr<identity::Invitations> invitations_;
  std::unique_ptr<identity::CodeLimiter> code_limiter_;
  std::unique_ptr<identity::CodeLimiter> recovery_limiter_;
  std::unique_ptr<identity::Unlock> unlock_;
  std::unique_ptr<identity::Totp> totp_;
  std::unique_ptr<identity::RecoveryCodes> recovery_codes_;
  std::unique_ptr<identity::WebAuthn> webauthn_;
  std::unique_ptr<identity::Mfa> mfa_;
  std::unique_ptr<http::OutboundClient> outbound_;
  std::unique_ptr<HttpFetcher> fetcher_;
  std::unique_ptr<identity::IssuerKeys> issuer_keys_;
  std::unique_ptr<identity::Workload> workload_;
  std::unique_ptr<identity::LoginProviders> login_providers_;
  std::unique_ptr<identity::SingleSignOn> single_sign_on_;
  std::unique_ptr<ldap::Directory> ldap_;
  std::unique_ptr<identity::DirectoryLogIn> directory_login_;
  std::unique_ptr<identity::OidcClient> oidc_client_;
  std::unique_ptr<identity::LoginRequests> login_requests_;
  std::unique_ptr<identity::OidcLogIn> oidc_login_;
  std::unique_ptr<identity::SessionRefresh> session_refresh_;
  std::unique_ptr<access::Tokens> tokens_;
  std::unique_ptr<registry::Blobs> blobs_;
  std::unique_ptr<registry::Uploads> uploads_;
  std::unique_ptr<registry::Manifests> manifests_;
  std::unique_ptr<async::FairPool> work_;
  std::unique_ptr<async::FairPool> passwords_;
  std::unique_ptr<async::OffloadPool> files_;
  std::unique_ptr<async::OffloadPool> operators_;
  std::unique_ptr<async::LanePool> directories_;
  std::unique_ptr<async::LanePool> providers_;
  std::unique_ptr<async::LanePool> issuers_;
};

// The URL of the settings' database, for db::open(); what else it takes to open it goes into `options`: the
// password, which each new connection reads from its file.
std::string name_database(const config::Settings& settings, db::Options& options);

}  // namespace bulkhead::app

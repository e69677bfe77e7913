// The management API over a registry of its own, without connections.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "access/tokens.h"
#include "api/management/perform.h"
#include "async/fair_pool.h"
#include "async/lanes.h"
#include "async/offload.h"
#include "audit/testing/memory_journal.h"
#include "blob/verify.h"
#include "crypto/testing/passwords.h"
#include "identity/factors/factors.h"
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
#include "identity/issuers/testing/test_issuer.h"
#include "identity/keys/data_keys.h"
#include "identity/login/access_tokens.h"
#include "identity/login/access_tokens_state.h"
#include "identity/login/leaked.h"
#include "identity/login/login.h"
#include "identity/login/policies.h"
#include "identity/login/registry_login.h"
#include "identity/login/sessions.h"
#include "identity/login/setup.h"
#include "identity/login/unlock.h"
#include "identity/people/directory.h"
#include "identity/people/invitations.h"
#include "identity/people/members.h"
#include "identity/people/organizations.h"
#include "identity/people/robots.h"
#include "identity/people/teams.h"
#include "identity/secrets/code_limiter.h"
#include "identity/workload/workload.h"
#include "registry/testing/test_registry.h"

namespace bulkhead::api::testing {

struct Headers {
  std::string content_type = "application/json";
  std::optional<std::string> if_match = {};
  std::optional<std::string> if_none_match = {};
  std::optional<std::string> idempotency_key = {};
};

class TestApi {
 public:
  explicit TestApi(std::vector<const management::Operation*> operations = management::all_operations())
      : router(std::move(operations)), performer(services, options, router) {}

  management::ManagementCaller caller(std::string_view account, identity::SystemRole role = {}) {
    management::ManagementCaller out;
    out.principal = registry.as(account).principal;
    out.system_role = role;
    // Asked for again where something is written.
    installation.write("UPDATE accounts SET system_role = ? WHERE id = ?",
                       {role == identity::SystemRole::none ? std::string() : std::string(name(role)),
                        out.principal.account_id});
    out.reach = management::Reach::write;
    out.credential = "session:1";
    out.proved_at = installation.clock.now();
    return out;
  }

  // `target` is below /api/v1 and may have a query.
  http::Response send(const management::ManagementCaller& who, http::Method method, std::string_view target,
                      std::string_view body = "", Headers headers = {}) {
    management::Incoming incoming;
    const std::size_t mark = target.find('?');
    incoming.path = target.substr(0, mark);
    if (mark != std::string_view::npos) incoming.query = target.substr(mark + 1);
    auto found = router.match(method, incoming.path);
    if (!std::holds_alternative<management::Router::Match>(found))
      throw std::runtime_error("no operation " + std::string(target));
    incoming.match = std::get<management::Router::Match>(found);
    incoming.content_type = headers.content_type;
    incoming.if_match = headers.if_match;
    incoming.if_none_match = headers.if_none_match;
    incoming.idempotency_key = headers.idempotency_key;
    incoming.body = Secret<>(std::string(body));
    incoming.caller = who;
    incoming.origin = {who.principal.account, who.credential, "192.0.2.1", "test", "request-1"};
    return performer.perform(incoming);
  }

  static std::string header(const http::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return "";
  }
  static boost::json::object body(const http::Response& response) {
    return boost::json::parse(std::get<std::string>(response.body)).as_object();
  }

  registry::testing::TestRegistry registry;
  audit::MemoryJournal journal;
  Options options;
  identity::testing::Installation& installation = registry.installation;
  identity::LogIn login{installation.accounts, installation.hasher, journal, installation.clock, {}};
  identity::Setup setup{*installation.database, installation.keyring, installation.accounts,
                        installation.clock};
  identity::Policies& policies = *registry.policies;
  std::unique_ptr<identity::DataKeys> sealer =
      identity::DataKeys::open(*installation.database, installation.keyring, installation.clock).value();
  identity::Sessions sessions{*installation.database,
                              installation.keyring,
                              *sealer,
                              installation.accounts,
                              policies,
                              installation.clock,
                              {}};
  identity::AccessTokens access_tokens{
      *installation.database, installation.keyring, installation.accounts, policies, installation.clock, {}};
  identity::RegistryLogIn registry_login{*installation.database, installation.accounts, login, access_tokens,
                                         policies};
  identity::Leaked leaked{*installation.database, installation.keyring, access_tokens, sessions,
                          installation.clock};
  identity::Directory directory{*installation.database, installation.accounts, installation.clock, [this] {
                                  registry.facts->forget_roles();
                                  policies.forget();
                                }};
  identity::Organizations organizations{directory};
  identity::Members members{directory};
  identity::Teams teams{directory};
  identity::Robots robots{directory};
  identity::Invitations invitations{directory, installation.keyring};
  identity::LoginProviders login_providers{directory, sessions, *sealer, {}};
  identity::SingleSignOn single_sign_on{directory, sessions};
  identity::CodeLimiter code_limiter{installation.clock, identity::kCodeLimits};
  identity::CodeLimiter recovery_limiter{installation.clock, identity::kRecoveryLimits};
  identity::Unlock unlock{*installation.database, installation.accounts, login,
                          code_limiter,           recovery_limiter,      installation.clock};
  identity::LogInsEnded log_ins_ended = [this](std::int64_t account, std::int64_t session) {
    installation.accounts.forget(account);
    sessions.forget(session);
  };
  identity::Totp totp{*installation.database, *sealer,    code_limiter,
                      installation.clock,     "Bulkhead", log_ins_ended};
  identity::RecoveryCodes recovery_codes{*installation.database, installation.keyring, recovery_limiter,
                                         installation.clock};
  identity::WebAuthn webauthn{*installation.database,
                              installation.keyring,
                              installation.clock,
                              {.relying_party = "localhost", .origins = {"http://localhost:5000"}},
                              log_ins_ended};
  identity::Mfa mfa{*installation.database, totp,         recovery_codes, webauthn, journal,
                    installation.clock,     log_ins_ended};
  identity::testing::TestIssuer issuer;
  identity::IssuerKeys issuer_keys{issuer, installation.clock, {}};
  identity::Workload workload{*installation.database,
                              issuer_keys,
                              journal,
                              installation.clock,
                              [this](std::int64_t robot) { installation.accounts.forget(robot); },
                              {}};
  ldap::Directory ldap{{}};
  identity::DirectoryLogIn directory_login{ldap, login_providers, single_sign_on, login, Log::none()};
  identity::OidcClient oidc_client{issuer, issuer_keys, installation.clock};
  identity::LoginRequests login_requests{*installation.database, installation.keyring, *sealer,
                                         installation.clock};
  identity::OidcLogIn oidc_login{login_providers,       oidc_client, login_requests, single_sign_on,
                                 installation.accounts, sessions,    login,          journal,
                                 installation.clock,    Log::none()};
  identity::SessionRefresh session_refresh{sessions,        login_providers, single_sign_on,
                                           directory_login, oidc_client,     Log::none()};
  access::Tokens tokens{installation.keyring,
                        installation.accounts,
                        access_tokens,
                        policies,
                        *registry.facts,
                        installation.clock,
                        {}};
  blob::Verifier verifier{installation.clock, std::chrono::seconds(60)};
  async::FairPool work{"work", 1, 10};
  async::FairPool passwords{"password", 1, 10};
  async::LanePool directories{"directory", {.threads = 1}};
  async::LanePool providers{"provider", {.threads = 1}};
  async::LanePool issuers{"issuer", {.threads = 1}};
  Services services{*installation.database,
                    installation.accounts,
                    login,
                    setup,
                    *registry.facts,
                    tokens,
                    *registry.blobs,
                    *registry.uploads,
                    *registry.manifests,
                    verifier,
                    journal,
                    work,
                    passwords,
                    directories,
                    providers,
                    issuers,
                    installation.clock,
                    Log::none(),
                    installation.keyring,
                    policies,
                    sessions,
                    access_tokens,
                    registry_login,
                    leaked,
                    organizations,
                    members,
                    teams,
                    robots,
                    invitations,
                    mfa,
                    totp,
                    recovery_codes,
                    webauthn,
                    workload,
                    login_providers,
                    single_sign_on,
                    directory_login,
                    oidc_login,
                    login_requests,
                    session_refresh,
                    unlock};
  management::Router router;
  management::Performer performer;
};

}  // namespace bulkhead::api::testing

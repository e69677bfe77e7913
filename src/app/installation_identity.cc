// The part of the installation that knows people, machines and their credentials.
#include <fmt/format.h>

#include "app/installation.h"

namespace bulkhead::app {
namespace {

std::chrono::seconds seconds(config::Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration);
}

// Where browsers find this installation: a secure origin, or the machine itself.
std::string public_origin(const config::Settings& settings) {
  std::string origin = settings.public_url;
  while (origin.ends_with('/')) origin.pop_back();
  return origin.empty() ? fmt::format("http://localhost:{}", settings.listen.port) : origin;
}

std::string public_host(const config::Settings& settings) {
  const std::string origin = public_origin(settings);
  // The scheme is not the question here.
  std::string_view host = std::string_view(origin).substr(origin.find("://") + 3);
  return std::string(host.substr(0, host.find_first_of(":/")));
}

// What authenticator apps show; a colon would end it.
std::string issuer_name(const config::Settings& settings) {
  return settings.public_url.empty() ? std::string("Bulkhead") : public_host(settings);
}

identity::WebAuthnSettings webauthn_settings(const config::Settings& settings) {
  identity::WebAuthnSettings out;
  out.relying_party = public_host(settings);
  out.origins = {public_origin(settings)};
  return out;
}

}  // namespace

void Installation::assemble_identity() {
  const config::Settings& s = settings_;
  const std::size_t cached = s.limits.cached_facts;
  accounts_ = std::make_unique<identity::Accounts>(*database_, *hasher_, clock_, cached);
  login_ = std::make_unique<identity::LogIn>(
      *accounts_, *hasher_, *journal_, clock_,
      identity::LoginLimits{.passwords = {.per_source = s.auth.login_attempts_per_account,
                                          .window = seconds(s.auth.login_window),
                                          .in_all = s.auth.login_attempts_in_all,
                                          .window_in_all = seconds(s.auth.login_window_in_all),
                                          .per_network = s.auth.login_attempts_per_network},
                            .remembered_for = seconds(s.auth.password_remembered),
                            .passwords_remembered = cached});
  setup_ = std::make_unique<identity::Setup>(*database_, *keyring_, *accounts_, clock_);
  policies_ = std::make_unique<identity::Policies>(*database_, clock_, cached);
  facts_ = std::make_unique<access::Facts>(
      *database_, *accounts_, *policies_, clock_, cached, s.auth.anonymous_pull,
      access::Facts::Limits{s.limits.repositories_per_namespace, s.limits.grants});
  sessions_ = std::make_unique<identity::Sessions>(*database_, *keyring_, *data_keys_, *accounts_, *policies_,
                                                   clock_, identity::Sessions::Options{.cached = cached});
  access_tokens_ = std::make_unique<identity::AccessTokens>(
      *database_, *keyring_, *accounts_, *policies_, clock_,
      identity::AccessTokens::Options{.cached = cached, .per_account = s.limits.access_tokens});
  registry_login_ =
      std::make_unique<identity::RegistryLogIn>(*database_, *accounts_, *login_, *access_tokens_, *policies_);
  leaked_ = std::make_unique<identity::Leaked>(*database_, *keyring_, *access_tokens_, *sessions_, clock_);
  directory_ = std::make_unique<identity::Directory>(*database_, *accounts_, clock_, [this] {
    facts_->forget_roles();
    policies_->forget();
  });
  organizations_ = std::make_unique<identity::Organizations>(*directory_);
  members_ = std::make_unique<identity::Members>(*directory_);
  teams_ = std::make_unique<identity::Teams>(*directory_);
  robots_ = std::make_unique<identity::Robots>(*directory_, s.limits.robots_per_namespace);
  invitations_ = std::make_unique<identity::Invitations>(*directory_, *keyring_);
  assemble_factors();
  http::OutboundOptions outbound;
  outbound.allowed_networks = s.outbound.networks;
  outbound.plain_hosts = s.outbound.plain_hosts;
  outbound.authorities = s.outbound.authorities;
  outbound_ = http::make_outbound_client(std::move(outbound));
  fetcher_ = std::make_unique<HttpFetcher>(*outbound_);
  issuer_keys_ = std::make_unique<identity::IssuerKeys>(*fetcher_, clock_, s.outbound.plain_hosts);
  workload_ = std::make_unique<identity::Workload>(
      *database_, *issuer_keys_, *journal_, clock_, [this](std::int64_t robot) { accounts_->forget(robot); },
      identity::Workload::Options());
  assemble_sign_on();
}

void Installation::assemble_sign_on() {
  const config::OutboundSettings& outbound = settings_.outbound;
  login_providers_ =
      std::make_unique<identity::LoginProviders>(*directory_, *sessions_, *data_keys_, outbound.plain_hosts);
  single_sign_on_ = std::make_unique<identity::SingleSignOn>(*directory_, *sessions_);
  ldap_ = std::make_unique<ldap::Directory>(
      ldap::Options{.authorities = outbound.authorities, .plain_hosts = outbound.plain_hosts});
  directory_login_ =
      std::make_unique<identity::DirectoryLogIn>(*ldap_, *login_providers_, *single_sign_on_, *login_, log_);
  oidc_client_ = std::make_unique<identity::OidcClient>(*fetcher_, *issuer_keys_, clock_);
  login_requests_ = std::make_unique<identity::LoginRequests>(
      *database_, *keyring_, *data_keys_, clock_,
      identity::LoginRequestLimits{.in_all = settings_.limits.device_logins});
  oidc_login_ = std::make_unique<identity::OidcLogIn>(*login_providers_, *oidc_client_, *login_requests_,
                                                      *single_sign_on_, *accounts_, *sessions_, *login_,
                                                      *journal_, clock_, log_);
  session_refresh_ = std::make_unique<identity::SessionRefresh>(
      *sessions_, *login_providers_, *single_sign_on_, *directory_login_, *oidc_client_, log_);
}

void Installation::assemble_factors() {
  const identity::LogInsEnded log_ins_ended = [this](std::int64_t account, std::int64_t session) {
    accounts_->forget(account);
    sessions_->forget(session);
  };
  code_limiter_ = std::make_unique<identity::CodeLimiter>(clock_, identity::kCodeLimits);
  recovery_limiter_ = std::make_unique<identity::CodeLimiter>(clock_, identity::kRecoveryLimits);
  unlock_ = std::make_unique<identity::Unlock>(*database_, *accounts_, *login_, *code_limiter_,
                                               *recovery_limiter_, clock_);
  totp_ = std::make_unique<identity::Totp>(*database_, *data_keys_, *code_limiter_, clock_,
                                           issuer_name(settings_), log_ins_ended);
  recovery_codes_ =
      std::make_unique<identity::RecoveryCodes>(*database_, *keyring_, *recovery_limiter_, clock_);
  webauthn_ = std::make_unique<identity::WebAuthn>(*database_, *keyring_, clock_,
                                                   webauthn_settings(settings_), log_ins_ended);
  mfa_ = std::make_unique<identity::Mfa>(*database_, *totp_, *recovery_codes_, *webauthn_, *journal_, clock_,
                                         log_ins_ended);
}

}  // namespace bulkhead::app

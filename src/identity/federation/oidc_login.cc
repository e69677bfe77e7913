#include "identity/federation/oidc_login.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/log.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

constexpr std::size_t kLongestCode = std::size_t{4} << 10;
constexpr std::size_t kLongestShownError = 512;

using Progress = LoginRequests::Progress;

Error no_provider() {
  return {Errc::not_found, "there is no OpenID log-in provider of this name in use here"};
}

const OidcSettings& settings_of(const LoginProvider& provider) {
  return std::get<OidcSettings>(provider.settings);
}

// What stands in the answer of a provider that lets nobody through (RFC 6749 section 4.1.2.1, Core section
// 3.1.2.6). Its description is not shown: anybody can write a link to the callback.
Error provider_error(std::string_view error) {
  if (error == "access_denied") return {Errc::denied, "the provider says that the log-in was refused there"};
  if (error == "server_error" || error == "temporarily_unavailable")
    return {Errc::unavailable, "the provider cannot log anybody in now; try again later"};
  return {Errc::denied, fmt::format("the provider answered {} instead of logging you in", oci::quote(error))};
}

bool is_outage(const Error& error) { return error.code == Errc::unavailable; }

}  // namespace

Result<LoginProvider> OidcLogIn::usable(const Result<LoginProvider>& provider) const {
  if (!provider && provider.error().code != Errc::not_found) return provider.error();
  if (!provider || !provider->enabled || provider->kind() != ProviderKind::oidc) return no_provider();
  return *provider;
}

Error OidcLogIn::unreachable(const LoginProvider& provider, const Error& why) const {
  log_.warning("an OpenID provider cannot be asked", {{"provider", provider.name}, {"error", why.message}});
  return {why.code,
          fmt::format("the log-in provider {} cannot be asked now; access tokens work as ever",
                      oci::quote(provider.name)),
          why.retry_after};
}

Result<std::string> OidcLogIn::departure(const LoginProvider& provider, const LoginRequests::Journey& journey,
                                         const RedirectUri& redirect_uri) {
  auto url =
      client_.authorization_url(settings_of(provider), {.redirect_uri = redirect_uri(provider.name),
                                                        .state = journey.state,
                                                        .nonce = journey.nonce,
                                                        .code_challenge = code_challenge(journey.verifier)});
  if (!url && is_outage(url.error())) return unreachable(provider, url.error());
  return url;
}

Result<std::string> OidcLogIn::begin(std::string_view name, const Secret<>& binder,
                                     const RedirectUri& redirect_uri, const audit::Origin& origin) {
  if (const auto admitted = login_.admit_network("", origin); !admitted) return admitted.error();
  const auto provider = usable(providers_.find(name));
  if (!provider) return provider.error();
  // Asked first: a provider that is down leaves no request behind.
  if (const auto reachable = departure(*provider, {}, redirect_uri); !reachable) return reachable.error();
  return departure(*provider, requests_.begin(provider->id, binder), redirect_uri);
}

Result<OidcLogIn::Device> OidcLogIn::begin_device(std::string_view name, const audit::Origin& origin) {
  if (const auto admitted = login_.admit_network("", origin); !admitted) return admitted.error();
  const auto provider = usable(providers_.find(name));
  if (!provider) return provider.error();
  auto device = requests_.begin_device(provider->id, origin);
  if (!device) return device.error();
  Device begun;
  begun.device_code = std::move(device->device_code);
  begun.user_code = std::move(device->user_code);
  begun.lifetime = requests_.limits().lifetime;
  begun.interval = requests_.limits().poll_interval;
  return begun;
}

Result<OidcLogIn::Waiting> OidcLogIn::waiting(std::string_view user_code, const audit::Origin& origin) {
  auto found = requests_.waiting(user_code, origin);
  if (!found) return wrong_code(found.error(), origin);
  const auto provider = usable(providers_.find(found->provider_id));
  if (!provider) return provider.error();
  return Waiting{provider->name, std::move(found->client), std::move(found->address), found->created_at};
}

Result<std::string> OidcLogIn::confirm(std::string_view user_code, const Secret<>& binder,
                                       const RedirectUri& redirect_uri, const audit::Origin& origin) {
  const auto found = requests_.waiting(user_code, origin);
  if (!found) return wrong_code(found.error(), origin);
  const auto provider = usable(providers_.find(found->provider_id));
  if (!provider) return provider.error();
  if (const auto reachable = departure(*provider, {}, redirect_uri); !reachable) return reachable.error();
  const auto journey = requests_.take_up(user_code, binder, origin);
  if (!journey) return journey.error();
  return departure(*provider, *journey, redirect_uri);
}

Result<void> OidcLogIn::refuse(std::string_view user_code, const audit::Origin& origin) {
  const auto refused = requests_.refuse(user_code, origin);
  if (!refused) return wrong_code(refused.error(), origin);
  return {};
}

Result<std::string> OidcLogIn::provider_of(std::string_view state) const {
  const auto id = requests_.provider_of(state);
  if (!id) return id.error();
  const auto provider = providers_.find(*id);
  return provider ? provider->name : std::string();
}

Result<OidcLogIn::Finished> OidcLogIn::finish(const Callback& callback, const Secret<>& binder,
                                              const RedirectUri& redirect_uri, const audit::Origin& origin) {
  audit::Origin proved = origin;
  proved.credential = "oidc";
  if (const auto admitted = login_.admit_network("", proved); !admitted) return admitted.error();
  const auto returned = requests_.come_back(callback.state, binder);
  if (!returned) {
    if (returned.error().code == Errc::not_found)
      journal_failure("oidc_state_unknown", returned.error(), proved);
    return returned.error();
  }
  std::string reason;
  auto finished = settle(*returned, callback, redirect_uri, proved, reason);
  if (!finished) {
    journal_failure(reason, finished.error(), proved);
    // What the device learns is less than what the person sees; when it cannot be told, it runs out.
    if (returned->device) static_cast<void>(requests_.fail(returned->id));
  }
  return finished;
}

Result<OidcLogIn::Finished> OidcLogIn::settle(const LoginRequests::Returned& returned,
                                              const Callback& callback, const RedirectUri& redirect_uri,
                                              audit::Origin& origin, std::string& reason) {
  reason = "oidc_provider_gone";
  const auto provider = usable(providers_.find(returned.provider_id));
  if (!provider) return provider.error();
  origin.credential = fmt::format("oidc:{}", provider->name);
  const OidcSettings& settings = settings_of(*provider);

  reason = "oidc_other_browser";
  if (!returned.same_browser)
    return Error{Errc::unauthenticated,
                 "this log-in was begun in another browser, or its cookie is gone; "
                 "begin again in this one"};
  reason = "oidc_wrong_callback";
  if (callback.provider != provider->name)
    return Error{Errc::unauthenticated,
                 "the answer comes from another provider than the log-in was begun with"};
  reason = "oidc_wrong_issuer";
  if (const auto ours = client_.check_response_issuer(settings, callback.issuer); !ours)
    return is_outage(ours.error()) ? unreachable(*provider, ours.error()) : ours.error();
  reason = "oidc_provider_refused";
  if (!callback.error.empty()) return provider_error(callback.error);
  if (callback.code.empty() || callback.code.reveal().size() > kLongestCode)
    return Error{Errc::unauthenticated, "the provider's answer holds no code"};

  reason = "oidc_not_vouched_for";
  const auto secret = providers_.secret(provider->id);
  if (!secret) return secret.error();
  const std::string sent_back_to = redirect_uri(provider->name);
  auto vouched = client_.redeem(
      settings, *secret, {.code = callback.code, .verifier = returned.verifier, .redirect_uri = sent_back_to},
      returned.nonce);
  if (!vouched) return is_outage(vouched.error()) ? unreachable(*provider, vouched.error()) : vouched.error();

  if (!returned.device) {
    reason = "oidc_state_used";
    if (const auto first = requests_.use_up(callback.state); !first) return first.error();
  }
  reason = "oidc_not_admitted";
  const auto account = sign_on_.admit(*provider, vouched->person, origin);
  if (!account) return account.error();
  Sessions::Backing backing;
  backing.provider_id = provider->id;
  backing.subject = vouched->person.subject;
  backing.settings = provider->stored;
  backing.refresh = std::move(vouched->refresh);

  Finished finished;
  finished.account = account->name;
  if (returned.device) {
    reason = "oidc_request_expired";
    LoginRequests::Approval approval;
    approval.account_id = account->id;
    approval.credential_version = account->credential_version;
    approval.multi_factor = vouched->person.multi_factor;
    approval.backing = std::move(backing);
    if (const auto approved = requests_.approve(returned.id, approval); !approved) return approved.error();
    return finished;
  }
  reason = "oidc_session_refused";
  origin.account = account->name;
  auto started = sessions_.start(*account, vouched->person.multi_factor, backing, origin);
  if (!started) return started.error();
  login_.succeeded(account->name, origin, vouched->person.groups_note);
  finished.session = *std::move(started);
  return finished;
}

Result<OidcLogIn::Polled> OidcLogIn::poll(const Secret<>& device_code, const audit::Origin& origin) {
  audit::Origin proved = origin;
  proved.credential = "oidc";
  if (const auto admitted = login_.admit_network("", proved); !admitted) return admitted.error();
  auto polled = requests_.poll(device_code);
  if (!polled) return polled.error();
  Polled answer;
  answer.progress = polled->progress;
  if (polled->progress == Progress::unknown)
    journal_failure("oidc_device_code_unknown", {Errc::unauthenticated, ""}, proved);
  if (!polled->approval) return answer;

  std::string reason;
  auto started = start(*polled->approval, proved, answer.account, reason);
  if (!started) {
    journal_failure(reason, started.error(), proved);
    if (started.error().code != Errc::unauthenticated) return started.error();
    answer.progress = Progress::refused;
    return answer;
  }
  answer.session = *std::move(started);
  return answer;
}

// Since the approval the provider, the account and the tie between them may have gone.
Result<Sessions::Started> OidcLogIn::start(LoginRequests::Approval& approval, audit::Origin& origin,
                                           std::string& account_name, std::string& reason) {
  const Error refused{Errc::unauthenticated, "the log-in was approved, but does not hold any more"};
  reason = "oidc_provider_gone";
  const auto provider = usable(providers_.find(approval.backing.provider_id));
  if (!provider && provider.error().code == Errc::not_found) return refused;
  if (!provider) return provider.error();
  origin.credential = fmt::format("oidc:{}", provider->name);

  reason = "oidc_account_changed";
  const auto account = accounts_.find(approval.account_id);
  if (!account && account.error().code == Errc::not_found) return refused;
  if (!account) return account.error();
  if (!account->active() || account->credential_version != approval.credential_version) return refused;
  const auto identities = sign_on_.identities(account->id);
  if (!identities) return identities.error();
  const bool linked = std::ranges::any_of(*identities, [&](const ExternalIdentity& identity) {
    return identity.provider_id == approval.backing.provider_id &&
           identity.subject == approval.backing.subject;
  });
  if (!linked) return refused;

  reason = "oidc_session_refused";
  origin.account = account->name;
  auto started = sessions_.start(*account, approval.multi_factor, approval.backing, origin);
  if (!started) return started.error();
  login_.succeeded(account->name, origin);
  account_name = account->name;
  return started;
}

Error OidcLogIn::wrong_code(const Error& error, const audit::Origin& origin) {
  if (error.code == Errc::not_found) journal_failure("oidc_user_code_unknown", error, origin);
  return error;
}

void OidcLogIn::journal_failure(std::string_view reason, const Error& error, const audit::Origin& origin) {
  const std::string detail =
      fmt::format(R"({{"reason":"{}","error":{}}})", reason,
                  json_quote(std::string_view(error.message).substr(0, kLongestShownError)));
  // The provider's trouble is nobody's guess.
  if (error.code != Errc::unavailable) return login_.failed("", detail, origin);
  journal_.append({.at = clock_.now(),
                   .action = audit::Action::login_failed,
                   .origin = origin,
                   .repository = {},
                   .target = {},
                   .old_digest = {},
                   .new_digest = {},
                   .detail = detail});
}

}  // namespace bulkhead::identity

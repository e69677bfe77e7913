// /sessions: log-ins of people.
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/management/credentials/sessions.h"
#include "api/management/operation.h"
#include "api/management/people/users.h"
#include "api/management/permission.h"
#include "api/management/vocabulary.h"
#include "db/condition.h"
#include "identity/factors/mfa.h"
#include "identity/factors/webauthn.h"
#include "identity/federation/directory_login.h"
#include "identity/federation/login_providers.h"
#include "identity/federation/session_refresh.h"
#include "identity/login/login.h"
#include "identity/login/policies.h"
#include "identity/login/sessions.h"
#include "identity/people/accounts.h"
#include "oci/quote.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::Session;

constexpr Schema kAssertion = any_object();
constexpr std::string_view kStateWords[] = {"active", "suspended"};
constexpr Schema kSessionState = choice(kStateWords);
constexpr Field kSessionFields[] = {
    {"id", &kId, "", kRequired},
    {"current", &kFlag, "Whether it is the caller's own", kRequired},
    {"state", &kSessionState,
     "suspended: from where it was started it is refused, for as long as a policy is as it is; what has "
     "ended is "
     "not listed",
     kRequired},
    {"client", &kClient, "The User-Agent that started it", kRequired},
    {"address", &kAddress, "Where it was started from", kRequired},
    {"multi_factor", &kFlag, "Whether it has seen a second factor", kRequired},
    {"created_at", &kTime, "", kRequired},
    {"proved_at", &kTime, "When the person last proved who they are", kRequired},
    {"expires_at", &kTime, "", kRequired},
};
constexpr Field kLogInFields[] = {
    {"name", &kGivenName, "", kRequired},
    {"password", &kPassword, "", kRequired},
    {"provider", &kGivenName, "The directory whose name and password these are; absent: this installation's"},
    {"code", &kCode, "Of the authenticator app, or a recovery code, where the account has a second factor"},
    {"assertion", &kAssertion, "Or a security key's answer to the challenge (PublicKeyCredential.toJSON)"},
};
constexpr Schema kLogIn = object("LogIn", kLogInFields);

constexpr Field kChallengeFields[] = {
    {"name", &kGivenName, "", kRequired},
    {"password", &kPassword, "", kRequired},
};
constexpr Schema kChallenge = object("ChallengeRequest", kChallengeFields);
constexpr Field kOptionsFields[] = {
    {"options", &kAssertion, "For navigator.credentials.get (parseRequestOptionsFromJSON)", kRequired},
};
constexpr Schema kOptions = object("AssertionOptions", kOptionsFields);

constexpr Field kStartedFields[] = {
    {"session", &kSession, "", kRequired},
    {"user", &kUser, "", kRequired},
    {"secret", &kSecret, "bhsession_…: for Authorization: Bearer; shown this once", kRequired},
    {"needs_factor", &kFlag, "A policy asks for a second factor: the session can do nothing but enrol one",
     kRequired},
};

constexpr Field kProofFields[] = {
    {"password", &kPassword, "Not for a session of an OpenID provider, which takes the second factor alone"},
    {"code", &kCode, "Of the authenticator app, or a recovery code, where the account has a second factor"},
    {"assertion", &kAssertion, "Or a security key's answer to the challenge (PublicKeyCredential.toJSON)"},
};
constexpr Schema kProof = object("Proof", kProofFields);

Result<Reply> session_reply(const Session& session, const Call& call) {
  auto body = represent_session(session, call);
  if (!body) return body.error();
  return Reply(*std::move(body));
}

using Veto = std::optional<identity::LogIn::Veto>;

Result<Veto> network_veto(const Call& call, const identity::Account& account) {
  const auto policy = call.services.policies.effective(account.id);
  if (!policy) return policy.error();
  if ((*policy)->allow(call.origin.address)) return Veto();
  return Veto(identity::LogIn::Veto{"wrong_network", identity::kept_out(Errc::denied, call.origin.address)});
}

Result<Veto> veto(const Call& call, const identity::Account& account) {
  auto wrong_network = network_veto(call, account);
  if (!wrong_network || *wrong_network) return wrong_network;
  const auto policy = call.services.policies.effective(account.id);
  if (!policy) return policy.error();
  if (!(*policy)->password_login)
    return std::optional(identity::LogIn::Veto{
        "password_login_off",
        Error{Errc::denied,
              "a policy keeps passwords from logging in; use single sign-on or an access token"}});
  return Veto();
}

// `session`, here and below: the one that proves itself anew; 0 for a log-in.
Result<void> verify_factor(const Call& call, const identity::Account& account, const audit::Origin& origin,
                           std::int64_t session) {
  if (call.has("code")) return call.services.mfa.verify(account, call.secret("code"), origin, session);
  if (!call.has("assertion"))
    return Error{
        Errc::unauthenticated,
        "the account has a second factor: send its code, a recovery code, or a security key's assertion "
        "as well"};
  const auto assertion = identity::parse_assertion_response(json::serialize(call.body.at("assertion")));
  if (!assertion) return assertion.error();
  return call.services.mfa.verify(account, *assertion, origin);
}

// What somebody has shown to be who they say.
struct Shown {
  identity::Account account;
  bool multi_factor = false;
  std::optional<identity::Sessions::Backing> backing = {};  // of a log-in with a directory
};

audit::Origin password_origin(const Call& call, std::string_view name) {
  audit::Origin origin = call.origin;
  origin.account = name;
  origin.credential = "password";
  return origin;
}

Result<identity::Account> check_password(const Call& call, std::string_view name, std::int64_t session = 0) {
  return call.services.login.verify(
      name, call.secret("password"), password_origin(call, name),
      [&call](const identity::Account& each) { return veto(call, each); }, session);
}

// Whoever has a second factor here shows it too, whoever checked the password.
Result<Shown> prove_factor(const Call& call, Shown shown, const audit::Origin& origin, std::int64_t session) {
  const auto enrolled = call.services.mfa.enrolled(shown.account.id);
  if (!enrolled) return enrolled.error();
  if (!*enrolled) return shown;
  if (auto verified = verify_factor(call, shown.account, origin, session); !verified) return verified.error();
  shown.multi_factor = true;
  return shown;
}

Result<Shown> prove(const Call& call, std::string_view name, std::int64_t session = 0) {
  auto account = check_password(call, name, session);
  if (!account) return account.error();
  return prove_factor(call, Shown{*std::move(account)}, password_origin(call, name), session);
}

// The provider came into use after it was looked whom this waits for.
Error too_early() { return {Errc::unavailable, "the log-in provider has changed just now; try again"}; }

Result<Shown> prove_to_directory(const Call& call, const identity::LoginProvider& provider,
                                 std::string_view name, std::int64_t session = 0) {
  if (!call.may_wait) return too_early();
  audit::Origin origin = call.origin;
  origin.account = name;
  origin.credential = fmt::format("ldap:{}", provider.name);
  auto proved = call.services.directory_login.verify(
      provider, name, call.secret("password"), origin,
      [&call](const identity::Account& each) { return network_veto(call, each); }, session);
  if (!proved) return proved.error();
  return prove_factor(call, Shown{std::move(proved->account), false, std::move(proved->backing)}, origin,
                      session);
}

// The enabled directory of that name.
Result<identity::LoginProvider> directory_named(const Call& call, const std::string& name) {
  auto provider = call.services.login_providers.find(name);
  if (!provider && provider.error().code != Errc::not_found) return provider.error();
  if (!provider || !provider->enabled)
    return Error{
        Errc::invalid_argument,
        fmt::format("there is no log-in provider {}; GET /api/v1/login lists them", oci::quote(name))};
  if (provider->kind() != identity::ProviderKind::ldap)
    return Error{Errc::invalid_argument,
                 fmt::format("{} takes no passwords: log in in a browser at /login/{}, or with POST "
                             "/api/v1/login/device",
                             oci::quote(name), name)};
  return provider;
}

Result<Shown> show(const Call& call) {
  const std::string name = *call.text("name");
  const auto where = call.text("provider");
  if (!where) return prove(call, name);
  const auto provider = directory_named(call, *where);
  if (!provider) return provider.error();
  return prove_to_directory(call, *provider, name);
}

std::string credential_of(const Shown& shown) {
  return fmt::format("{}{}", shown.backing ? "directory" : "password", shown.multi_factor ? "+code" : "");
}

Wait wait_for(const identity::LoginProvider& provider) {
  return {provider.kind() == identity::ProviderKind::ldap ? Wait::For::directory : Wait::For::provider,
          provider.name};
}

Wait wait_of_password(Call& call) { return {.account = *call.text("name")}; }

Wait wait_of_log_in(Call& call) {
  const auto where = call.text("provider");
  if (!where) return wait_of_password(call);
  const auto provider = directory_named(call, *where);
  if (!provider) return {};
  Wait wait = wait_for(*provider);
  wait.account = *call.text("name");
  return wait;
}

// Of a session that a provider stands behind.
Wait wait_of_session(Call& call) {
  const auto backing = call.services.sessions.backing(call.caller.session_id);
  if (!backing) return {};
  const auto provider = call.services.login_providers.find(backing->provider_id);
  return provider ? wait_for(*provider) : Wait();
}

Result<Reply> start_session(Call& call) {
  const auto shown = show(call);
  if (!shown) return shown.error();
  audit::Origin origin = call.origin;
  origin.account = shown->account.name;
  origin.credential = credential_of(*shown);
  auto started = shown->backing ? call.services.sessions.start(shown->account, shown->multi_factor,
                                                               *shown->backing, origin)
                                : call.services.sessions.start(shown->account, shown->multi_factor, origin);
  if (!started) return started.error();
  return started_reply(call, shown->account, *started);
}

Result<Reply> challenge_key(Call& call) {
  const auto account = check_password(call, *call.text("name"));
  if (!account) return account.error();
  const auto options = call.services.webauthn.assertion_options(*account);
  if (!options) return options.error();
  return Reply(json::object{{"options", json::parse(*options)}});
}

Error no_password() { return {Errc::invalid_argument, "give the password"}; }

// The provider vouched for the person, and only it can do so again; a second factor here is theirs to show.
Result<Shown> show_factor(const Call& call, const identity::LoginProvider& provider) {
  auto account = call.services.accounts.find(call.caller.principal.account_id);
  if (!account) return account.error();
  audit::Origin origin = call.origin;
  origin.credential = fmt::format("oidc:{}", provider.name);
  auto shown = prove_factor(call, Shown{*std::move(account)}, origin, call.caller.session_id);
  if (!shown || shown->multi_factor) return shown;
  return Error{Errc::conflict,
               fmt::format("{} has to vouch for that anew: log in again", oci::quote(provider.name))};
}

// To whoever vouched for the session.
Result<Shown> show_again(const Call& call) {
  const auto backing = call.services.sessions.backing(call.caller.session_id);
  if (!backing && backing.error().code == Errc::not_found)
    return call.has("password") ? prove(call, call.caller.principal.account, call.caller.session_id)
                                : no_password();
  if (!backing) return backing.error();
  const auto provider = call.services.login_providers.find(backing->provider_id);
  if (!provider) return provider.error();
  if (provider->kind() != identity::ProviderKind::ldap) return show_factor(call, *provider);
  if (!call.has("password")) return no_password();
  if (!call.may_wait) return too_early();
  auto person = call.services.directory_login.look_up(*provider, backing->subject);
  if (!person) return person.error();
  auto shown = prove_to_directory(call, *provider, person->name, call.caller.session_id);
  if (!shown) return shown.error();
  if (shown->account.id != call.caller.principal.account_id)
    return Error{Errc::unauthenticated, "that is somebody else's password"};
  return shown;
}

Result<Reply> prove_again(Call& call) {
  if (call.caller.session_id == 0)
    return Error{Errc::denied, "only sessions are proved anew; an access token is what it is"};
  const auto shown = show_again(call);
  if (!shown) return shown.error();
  auto proved = call.services.sessions.prove(shown->account.id, call.caller.session_id, shown->multi_factor);
  if (!proved) return proved.error();
  return Reply();
}

Result<Reply> refresh_current(Call& call) {
  const auto sessions = call.services.sessions.list(call.caller.principal.account_id);
  if (!sessions) return sessions.error();
  for (const Session& session : *sessions) {
    if (session.id != call.caller.session_id) continue;
    if (!call.may_wait && call.services.sessions.backing(session.id)) return too_early();
    // The provider's word, which may end the very session.
    const db::Unconditionally provider_says;
    const auto refreshed = call.services.session_refresh.refresh(session, call.origin);
    if (!refreshed) return refreshed.error();
    return session_reply(*refreshed, call);
  }
  return Error{Errc::conflict,
               "only sessions of single sign-on are refreshed; an access token is what it is"};
}

Result<Reply> list_sessions(Call& call) {
  const auto sessions = call.services.sessions.list(call.caller.principal.account_id);
  if (!sessions) return sessions.error();
  json::array items;
  for (const Session& session : *sessions) {
    auto item = represent_session(session, call);
    if (!item) return item.error();
    items.push_back(*std::move(item));
  }
  return Reply(json::object{{"items", std::move(items)}});
}

Result<Reply> session_of_id(Call& call, std::int64_t id) {
  const auto sessions = call.services.sessions.list(call.caller.principal.account_id);
  if (!sessions) return sessions.error();
  for (const Session& session : *sessions)
    if (session.id == id) return session_reply(session, call);
  return not_visible();
}

Result<Reply> get_session(Call& call) { return session_of_id(call, call.number("session")); }
Result<Reply> get_current(Call& call) { return session_of_id(call, call.caller.session_id); }

Result<Reply> end(Call& call, std::int64_t id) {
  auto ended = call.services.sessions.end(call.caller.principal.account_id, id, call.origin);
  if (!ended) return ended.error();
  return Reply();
}

Result<Reply> end_session(Call& call) { return end(call, call.number("session")); }
Result<Reply> end_current(Call& call) { return end(call, call.caller.session_id); }

constexpr Operation kOperations[] = {
    {.method = http::Method::post,
     .path = "/sessions",
     .id = "startSession",
     .tag = "sessions",
     .summary = "Log in",
     .permission = kAnyone,
     .request = &kLogIn,
     .status = 201,
     .response = &kStartedSession,
     .secret = true,
     .slow = true,
     .wait = wait_of_log_in,
     .handler = start_session},
    {.method = http::Method::post,
     .path = "/sessions/challenge",
     .id = "challengeKey",
     .tag = "sessions",
     .summary = "What a security key has to answer, for who knows the password",
     .permission = kAnyone,
     .request = &kChallenge,
     .response = &kOptions,
     .secret = true,
     .slow = true,
     .wait = wait_of_password,
     .handler = challenge_key},
    {.method = http::Method::get,
     .path = "/sessions",
     .id = "listSessions",
     .tag = "sessions",
     .summary = "The caller's sessions",
     .permission = kAccount,
     .response = &kSessionList,
     .handler = list_sessions},
    {.method = http::Method::get,
     .path = "/sessions/current",
     .id = "getCurrentSession",
     .tag = "sessions",
     .summary = "The session that is calling",
     .permission = kAccount,
     .response = &kSession,
     .enrols = true,
     .handler = get_current},
    {.method = http::Method::delete_,
     .path = "/sessions/current",
     .id = "endCurrentSession",
     .tag = "sessions",
     .summary = "Log out",
     .permission = kInPerson,
     .status = 204,
     .enrols = true,
     .handler = end_current},
    {.method = http::Method::post,
     .path = "/sessions/current/proof",
     .id = "proveSession",
     .tag = "sessions",
     .summary = "Prove anew who is calling, for what takes a recent proof",
     .permission = kInPerson,
     .request = &kProof,
     .status = 204,
     .enrols = true,
     .slow = true,
     .wait = wait_of_session,
     .handler = prove_again},
    {.method = http::Method::post,
     .path = "/sessions/current/refresh",
     .id = "refreshSession",
     .tag = "sessions",
     .summary = "Have the log-in provider asked again about the caller, and the session last longer",
     .permission = kInPerson,
     .response = &kSession,
     .enrols = true,
     .wait = wait_of_session,
     .handler = refresh_current},
    {.method = http::Method::get,
     .path = "/sessions/{session}",
     .id = "getSession",
     .tag = "sessions",
     .summary = "One of the caller's sessions",
     .permission = kAccount,
     .response = &kSession,
     .handler = get_session},
    {.method = http::Method::delete_,
     .path = "/sessions/{session}",
     .id = "endSession",
     .tag = "sessions",
     .summary = "End one of the caller's sessions",
     .permission = kInPerson,
     .status = 204,
     .handler = end_session},
};

}  // namespace

constinit const Schema kSession = object("Session", kSessionFields);

namespace {

constexpr Schema kSessions = list(kSession, 1000);
constexpr Field kSessionListFields[] = {{"items", &kSessions, "Newest first", kRequired}};

}  // namespace

constinit const Schema kSessionList = object("", kSessionListFields);
constexpr Schema kStartedSession = object("StartedSession", kStartedFields);

Result<json::object> represent_session(const Session& session, const Call& call) {
  const auto suspended = call.services.sessions.suspended(session);
  if (!suspended) return suspended.error();
  return json::object{{"id", session.id},
                      {"current", session.id == call.caller.session_id},
                      {"state", *suspended ? "suspended" : "active"},
                      {"client", session.client},
                      {"address", session.address},
                      {"multi_factor", session.multi_factor},
                      {"created_at", to_rfc3339(session.created_at)},
                      {"proved_at", to_rfc3339(session.proved_at)},
                      {"expires_at", to_rfc3339(session.expires_at)}};
}

Result<Reply> started_reply(const Call& call, const identity::Account& account,
                            const identity::Sessions::Started& started) {
  const auto policy = call.services.policies.effective(account.id);
  if (!policy) return policy.error();
  auto session = represent_session(started.session, call);
  if (!session) return session.error();
  (*session)["current"] = true;
  Reply reply(json::object{{"session", *std::move(session)},
                           {"user", represent(account)},
                           {"secret", started.secret.reveal()},
                           {"needs_factor", (*policy)->mfa_required && !started.session.multi_factor}});
  reply.location = fmt::format("/sessions/{}", started.session.id);
  return reply;
}

std::span<const Operation> session_operations() { return kOperations; }

}  // namespace bulkhead::api::management

// /users, /whoami: accounts, their states, roles, profiles and passwords.
#include "api/management/people/users.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "api/management/operation.h"
#include "api/management/permission.h"
#include "api/management/vocabulary.h"
#include "base/percent.h"
#include "db/condition.h"
#include "identity/login/leaked.h"
#include "identity/login/unlock.h"
#include "identity/people/accounts.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::Account;
using identity::AccountKind;
using identity::AccountState;

constexpr std::string_view kKinds[] = {"person", "robot"};
constexpr std::string_view kStates[] = {"active", "disabled", "locked"};
constexpr std::string_view kSystemRoles[] = {"none", "auditor", "security_officer", "administrator"};
constexpr std::string_view kReaches[] = {"none", "read", "write"};

constexpr Schema kKind = choice(kKinds);
constexpr Schema kState = choice(kStates);
constexpr Schema kSystemRole = choice(kSystemRoles);
constexpr Schema kReach = choice(kReaches);
constexpr Schema kCredential = text(0, 255);

constexpr Field kUserFields[] = {
    {"name", &kAnyName, "", kRequired},
    {"kind", &kKind, "", kRequired},
    {"state", &kState, "A locked account was stopped until somebody has looked at it", kRequired},
    {"system_role", &kSystemRole, "On the whole installation", kRequired},
    {"display_name", &kDisplayName, "", kRequired},
    {"email", &kEmail, "", kRequired},
    {"email_verified", &kFlag, "Somebody else than the account vouches for the address", kRequired},
    {"created_at", &kTime, "", kRequired},
};

constexpr Field kNewUserFields[] = {
    {"name", &kGivenName, "Also the name of the account's namespace", kRequired},
    {"password", &kPassword, "8 to 128 characters", kRequired},
    {"administrator", &kFlag, "Whether the account is an administrator; false when absent"},
};
constexpr Schema kNewUser = object("NewUser", kNewUserFields);

constexpr Field kUserChangeFields[] = {
    {"state", &kState,
     "For administrators; security officers lock. Ends every session, bearer and access token for good"},
    {"system_role", &kSystemRole, "For administrators"},
    {"display_name", &kDisplayName, "For the account itself and administrators; \"\" for none"},
    {"email", &kEmail, "For the account itself and administrators; \"\" for none"},
    {"email_verified", &kFlag, "For administrators"},
};
constexpr Schema kUserChange = object("UserChange", kUserChangeFields);

constexpr Field kNewPasswordFields[] = {
    {"password", &kPassword, "8 to 128 characters", kRequired},
};
constexpr Schema kNewPassword = object("NewPassword", kNewPasswordFields);

constexpr Field kFilters[] = {
    {"kind", &kKind, "Only accounts of this kind"},
    {"state", &kState, "Only accounts in this state"},
};

constexpr std::string_view kLeakedKinds[] = {"access_token", "session", "invitation"};
constexpr Schema kLeakedKind = choice(kLeakedKinds);
constexpr Field kNoticeFields[] = {
    {"at", &kTime, "When it was reported", kRequired},
    {"account", &kAnyName, "Whose it was: the caller's, or a robot's that the caller looks after", kRequired},
    {"kind", &kLeakedKind, "", kRequired},
    {"id", &kId, "Its number", kRequired},
};
constexpr Schema kNotice = object("Notice", kNoticeFields);
constexpr Schema kNotices = list(kNotice, 20);
constexpr Field kWhoamiFields[] = {
    {"user", &kUser, "", kRequired},
    {"credential", &kCredential, "What proved it, as evidence names it", kRequired},
    {"management", &kReach, "What the credential is good for in this API", kRequired},
    {"proved_at", &kTime, "When the person last proved who they are; sessions only"},
    {"notices", &kNotices, "Credentials that were reported as leaked and taken out of use, newest first",
     kRequired},
};
constexpr Schema kWhoami = object("Whoami", kWhoamiFields);

Error takes(std::string_view field, std::string_view whom) {
  return {Errc::denied, fmt::format("{} is changed by {}", field, whom)};
}

Result<Reply> list_users(Call& call) {
  identity::Accounts::Page page{call.after, call.limit + 1, {}, {}};
  if (const auto kind = identity::parse_account_kind(call.filter("kind"))) page.kind = *kind;
  if (const auto state = identity::parse_account_state(call.filter("state"))) page.state = *state;
  auto accounts = call.services.accounts.list(page);
  if (!accounts) return accounts.error();
  return page_of(
      call, *accounts, [](const Account& account) { return represent(account); },
      [](const Account& account) { return account.name; });
}

Result<Reply> create_user(Call& call) {
  auto account = call.services.accounts.create(*call.text("name"), call.secret("password"),
                                               call.flag("administrator"), call.origin);
  if (!account) return account.error();
  Reply reply(represent(*account));
  reply.location = user_path(account->name);
  return reply;
}

Result<Reply> get_user(Call& call) {
  auto account = call.services.accounts.find(call.path("user"));
  if (!account) return account.error();
  return Reply(represent(*account));
}

// A state, a role and a profile are each changed in one step, so that a refusal leaves nothing half done.
Result<void> change(Call& call) {
  const std::string& name = call.path("user");
  const bool profile = call.has("display_name") || call.has("email") || call.has("email_verified");
  if (int{call.has("state")} + int{call.has("system_role")} + int{profile} != 1)
    return Error{
        Errc::invalid_argument,
        "change one thing at a time: the state, the system_role, or the profile (display_name, email, "
        "email_verified)"};
  if (const auto state = call.text("state")) {
    const auto parsed = identity::parse_account_state(*state);
    if (!parsed) return parsed.error();
    // To stop somebody is to contain; to let them in again is not.
    const bool locks = *parsed == AccountState::locked;
    if (!call.may(locks ? SystemAction::contain_incident : SystemAction::manage_accounts))
      return takes("state", "administrators; security officers may set it to locked");
    auto set = call.services.accounts.set_state(name, *parsed, call.origin);
    if (set && *parsed == AccountState::active) call.services.unlock.enabled(name);
    return set;
  }
  if (const auto role = call.text("system_role")) {
    if (!call.may(SystemAction::appoint)) return takes("system_role", "administrators");
    const auto parsed = identity::parse_system_role(*role);
    if (!parsed) return parsed.error();
    return call.services.accounts.set_system_role(name, *parsed, call.origin);
  }
  const bool administrator = call.may(SystemAction::manage_accounts);
  if (!administrator && name != call.caller.principal.account)
    return takes("the profile", "the account itself and administrators");
  if (call.has("email_verified") && !administrator) return takes("email_verified", "administrators");
  identity::Accounts::Profile wanted{call.text("display_name"), call.text("email"), {}};
  if (call.has("email_verified")) wanted.email_verified = call.flag("email_verified");
  return call.services.accounts.set_profile(name, wanted, call.origin);
}

// To stop somebody, or to take a role from them, is to contain, and waits for nothing.
bool gives_power(const Call& call) {
  if (!call.may(SystemAction::appoint)) return false;  // who is refused anyway
  const auto role = call.text("system_role");
  return (role && *role != "none") || call.flag("email_verified") || call.text("state") == "active";
}

Result<Reply> change_user(Call& call) {
  if (auto changed = change(call); !changed) return changed.error();
  return get_user(call);
}

Result<Reply> set_password(Call& call) {
  auto set = call.services.accounts.set_password(call.path("user"), call.secret("password"), call.origin);
  if (!set) return set.error();
  const db::Unconditionally afterwards;  // one's own session is over
  call.services.unlock.password_changed(call.path("user"));
  return Reply();
}

Result<Reply> lift_limits(Call& call) {
  if (auto lifted = call.services.unlock.unlock(call.path("user"), call.origin); !lifted)
    return lifted.error();
  return Reply();
}

Result<Reply> whoami(Call& call) {
  if (call.caller.is_operator)
    return Error{Errc::not_found,
                 "whoever commands this machine is no account: log in first with `bulkhead login`; the "
                 "second factor of "
                 "somebody who lost it is taken with `bulkhead user reset-factors NAME`"};
  auto account = call.services.accounts.find(call.caller.principal.account_id);
  if (!account) return account.error();
  json::object body{{"user", represent(*account)},
                    {"credential", call.caller.credential},
                    {"management", json::string(name(call.caller.reach))}};
  if (call.caller.proved_at) body["proved_at"] = to_rfc3339(*call.caller.proved_at);
  const auto notices = call.services.leaked.notices(*account);
  if (!notices) return notices.error();
  json::array told;
  for (const identity::Leaked::Notice& notice : *notices) {
    json::object entry{{"at", to_rfc3339(notice.at)}, {"account", notice.account}};
    const json::value detail = json::parse(notice.detail);  // written by this program
    entry["kind"] = detail.at("kind");
    entry["id"] = detail.at("id");
    told.push_back(std::move(entry));
  }
  body["notices"] = std::move(told);
  return Reply(std::move(body));
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/whoami",
     .id = "whoami",
     .tag = "users",
     .summary = "Who is calling, and what the credential is good for",
     .permission = kAccount,
     .response = &kWhoami,
     .enrols = true,
     .handler = whoami},
    {.method = http::Method::get,
     .path = "/users",
     .id = "listUsers",
     .tag = "users",
     .summary = "All accounts, by name",
     .permission = may(SystemAction::read_directory),
     .response = &PageOf<kUser>::kPage,
     .query = kFilters,
     .paged = true,
     .handler = list_users},
    {.method = http::Method::post,
     .path = "/users",
     .id = "createUser",
     .tag = "users",
     .summary = "Make an account and the namespace of its name",
     .permission = may(SystemAction::manage_accounts),
     .request = &kNewUser,
     .status = 201,
     .response = &kUser,
     .creates = true,
     .proof = true,
     .slow = true,
     .handler = create_user},
    {.method = http::Method::get,
     .path = "/users/{user}",
     .id = "getUser",
     .tag = "users",
     .summary = "One account",
     .permission = kSelf || SystemAction::read_directory,
     .response = &kUser,
     .handler = get_user},
    {.method = http::Method::patch,
     .path = "/users/{user}",
     .id = "changeUser",
     .tag = "users",
     .summary = "Change an account's state, its system role or its profile",
     .permission = kSelf || SystemAction::contain_incident,
     .request = &kUserChange,
     .response = &kUser,
     .if_match = IfMatch::required,
     .proof_for = gives_power,
     .handler = change_user},
    {.method = http::Method::put,
     .path = "/users/{user}/password",
     .id = "setPassword",
     .tag = "users",
     .summary = "Set a new password; every session, bearer and access token of the account ends",
     .permission = kSelf || SystemAction::manage_accounts,
     .request = &kNewPassword,
     .status = 204,
     .proof = true,
     .slow = true,
     .handler = set_password},
    {.method = http::Method::delete_,
     .path = "/users/{user}/log-in-limits",
     .id = "liftLogInLimits",
     .tag = "users",
     .summary = "Let somebody log in again who is kept out by failed log-ins; the counts begin anew",
     .permission = may(SystemAction::manage_accounts),
     .status = 204,
     .handler = lift_limits},
};

}  // namespace

constinit const Schema kUser = object("User", kUserFields);

json::object represent(const Account& account) {
  return {{"name", account.name},
          {"kind", json::string(identity::name(account.kind))},
          {"state", json::string(identity::name(account.state))},
          {"system_role", json::string(identity::name(account.system_role))},
          {"display_name", account.display_name},
          {"email", account.email},
          {"email_verified", account.email_verified},
          {"created_at", to_rfc3339(account.created_at)}};
}

std::string user_path(std::string_view name) { return "/users/" + percent_encode(name); }

std::span<const Operation> user_operations() { return kOperations; }

}  // namespace bulkhead::api::management

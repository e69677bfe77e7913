#include "api/management/permission.h"

#include <fmt/format.h>

#include <algorithm>

#include "access/facts.h"
#include "access/roles.h"
#include "api/management/robot_managers.h"
#include "db/database.h"
#include "identity/login/policies.h"
#include "identity/people/accounts.h"
#include "identity/people/members.h"
#include "identity/people/organizations.h"

namespace bulkhead::api::management {
namespace {

using Kind = Permission::Kind;

constexpr std::string_view kSystemRole = "another system role";

// What a rule says, apart from the rights on the whole installation.
struct Finding {
  bool allowed = false;
  bool visible = false;  // the caller may know that it is there
  std::string_view needed = {};
  std::string_view why = access::why::kRole;  // it is refused
};

bool is_self(const Call& call) {
  return !call.caller.principal.anonymous() && call.path("user") == call.caller.principal.account;
}

constexpr std::string_view kTakesLogIn = "a log-in, not an access token";
constexpr std::string_view kTakesNamespace =
    "an access token whose scopes hold the whole namespace, or a log-in";
constexpr std::string_view kTakesNamespaceWithDelete =
    "an access token whose scopes hold the whole namespace with delete, or a log-in";
constexpr std::string_view kTakesRepositoryWithDelete =
    "an access token whose scopes hold the repository with delete, or a log-in";

// An access token acts for its account, and changes nothing about it: whoever stole it would.
bool by_token(const Call& call) { return call.caller.session_id == 0; }

Finding on_self(const Operation& operation, const Call& call) {
  const bool bars = operation.method != http::Method::get && by_token(call);
  return {is_self(call) && !bars, is_self(call), kTakesLogIn};
}

std::string_view subject_of(const Call& call) {
  for (const auto& [name, value] : call.path_values)
    if (name == "user" || name == "robot") return value;
  return {};
}

bool names_own_token(const Call& call) {
  return std::ranges::any_of(call.path_values, [&](const auto& value) {
    return value.first == "token" && call.number("token") == call.caller.access_token_id;
  });
}

// Managers of a robot see it; nobody else's account is theirs to see. A robot makes no credentials for
// itself, and an access token ends or renews none of its account's but itself.
Result<Finding> on_credentials(const Operation& operation, Call& call) {
  auto account = call.services.accounts.find(subject_of(call));
  if (!account && account.error().code == Errc::not_found) return Finding{};
  if (!account) return account.error();
  const bool own = account->id == call.caller.principal.account_id;
  Result<bool> manages = own;
  if (account->kind == identity::AccountKind::robot) manages = manages_robot(call, account->id);
  if (!manages) return manages.error();
  call.account = *std::move(account);
  const bool reads = operation.method == http::Method::get;
  if (own && *manages && !reads && by_token(call)) return Finding{names_own_token(call), true, kTakesLogIn};
  return Finding{*manages, *manages || own, "those who manage the robot"};
}

// Reading is pulling; whoever changes something may do all that its maintainers may.
access::Action action_of(const Operation& operation) {
  return operation.method == http::Method::get ? access::Action::pull : access::Action::remove;
}

// What a member's credential lacks to come to the organization: by the token's scopes, which bound the
// organization as they bound its namespace, and by its policy.
Result<Finding> with_credential(const Operation& operation, const Call& call,
                                const identity::Organization& organization) {
  const access::Principal& principal = call.caller.principal;
  const access::Action action = action_of(operation);
  if (!access::within_ceiling(principal, action, organization.namespace_id, 0))
    return Finding{false, true, action == access::Action::pull ? kTakesNamespace : kTakesNamespaceWithDelete,
                   access::why::kToken};
  if (leaves(operation, call)) return Finding{true, true};
  const auto policy = call.services.policies.of_organization(organization.id);
  if (!policy) return policy.error();
  const std::string_view wanting = (*policy)->lacking(principal.proof, principal.address);
  return Finding{wanting.empty(), true, wanting, access::why::kPolicy};
}

Result<Finding> in_organization(const Operation& operation, Call& call, identity::MemberRole least) {
  auto organization = call.services.organizations.find(call.path("organization"));
  if (!organization && organization.error().code == Errc::not_found) return Finding{};
  if (!organization) return organization.error();
  const auto role = call.services.members.role(organization->id, call.caller.principal.account_id);
  if (!role) return role.error();
  call.organization = *std::move(organization);
  call.held_membership = *role;
  if (!*role) return Finding{};
  const bool enough = **role == identity::MemberRole::owner || least == identity::MemberRole::member;
  const auto comes = with_credential(operation, call, *call.organization);
  if (!comes || !comes->allowed) return comes;
  return Finding{enough, true, "an owner of the organization"};
}

Result<Finding> in_namespace(Call& call, access::Role least) {
  const std::string name = namespace_name(call.path("namespace"));
  const access::Principal& principal = call.caller.principal;
  access::Role role = access::Role::none;
  std::int64_t id = 0;
  std::int64_t organization = 0;
  const auto read = call.services.database.read([&](db::Session& session) -> Result<void> {
    const auto found = access::read_namespace_role(session, principal.account_id, name);
    if (!found) return found.error();
    role = *found;
    const auto rows =
        session.query("SELECT id, COALESCE(organization_id, 0) FROM namespaces WHERE name = ?", {name});
    if (!rows) return rows.error();
    id = rows->empty() ? 0 : rows->front().integer(0);
    organization = rows->empty() ? 0 : rows->front().integer(1);
    return {};
  });
  if (!read) return read.error();
  if (access::owns_installation(principal, name)) role = access::Role::owner;
  call.held_role = role;
  if (organization != 0 && role > access::Role::none) {
    const auto policy = call.services.policies.of_organization(organization);
    if (!policy) return policy.error();
    const std::string_view wanting = (*policy)->lacking(principal.proof, principal.address);
    if (!wanting.empty()) return Finding{false, true, wanting, access::why::kPolicy};
  }
  if (role >= least && !access::within_ceiling(principal, access::Action::remove, id, 0))
    return Finding{false, true, kTakesNamespaceWithDelete, access::why::kToken};
  return Finding{role >= least, role > access::Role::none, "the owner of the namespace"};
}

std::string_view one_who_is(access::Role least) {
  switch (least) {
    case access::Role::owner: return "an owner of the repository";
    case access::Role::maintainer: return "a maintainer of the repository";
    case access::Role::writer: return "a writer of the repository";
    default: return "a reader of the repository";
  }
}

Result<Finding> in_repository(Call& call, access::Role least) {
  const auto name = oci::RepositoryName::parse(call.path("repository"));
  if (!name) return name.error();
  auto resolved = call.services.facts.resolve(call.caller.principal, *name);
  if (!resolved) return resolved.error();
  const access::Standing& standing = resolved->standing;
  const bool visible = access::decide(call.caller.principal, access::Action::pull, standing);
  if (!visible && !standing.lacking.empty()) {
    call.repository = resolved->repository;
    return Finding{false, true, standing.lacking, access::why::kPolicy};
  }
  if (visible && !resolved->repository)
    return Error{Errc::name_unknown, fmt::format("there is no repository {}", name->render())};
  call.repository = resolved->repository;
  call.held_role = standing.role;
  // Reading is pulling; whoever changes a repository's settings may do all that its maintainers may.
  const bool reads = least <= access::Role::reader;
  if (reads && !visible)
    return Finding{false, false, one_who_is(least),
                   access::why_denied(call.caller.principal, access::Action::pull, standing)};
  if (!reads && !standing.lacking.empty())
    return Finding{false, visible, standing.lacking, access::why::kPolicy};
  if (!reads && standing.role >= least &&
      !access::within_ceiling(call.caller.principal, access::Action::remove, standing.namespace_id,
                              standing.repository_id))
    return Finding{false, visible, kTakesRepositoryWithDelete, access::why::kToken};
  return Finding{(reads || standing.role >= least) && call.repository != nullptr, visible, one_who_is(least)};
}

// Nobody's by what is theirs; but one's own account and namespace are not hidden from anybody.
Result<Finding> in_installation(Call& call) {
  bool visible = call.path_values.empty();
  for (const auto& [name, value] : call.path_values) {
    if (name == "user") visible = is_self(call);
    if (name != "namespace") continue;
    const auto finding = in_namespace(call, access::Role::owner);
    if (!finding) return finding.error();
    visible = finding->visible;
  }
  return Finding{false, visible, kSystemRole};
}

Result<Finding> find(const Operation& operation, Call& call) {
  const Permission& permission = operation.permission;
  switch (permission.kind) {
    case Kind::system: return in_installation(call);
    case Kind::anyone: return Finding{true, true};
    case Kind::account: return Finding{true, true};
    case Kind::in_person: return Finding{!by_token(call), true, kTakesLogIn};
    case Kind::self: return on_self(operation, call);
    case Kind::credentials: return on_credentials(operation, call);
    case Kind::member: return in_organization(operation, call, identity::MemberRole::member);
    case Kind::seen_by_members: {
      auto finding = in_organization(operation, call, identity::MemberRole::member);
      if (finding) *finding = {false, finding->visible, kSystemRole};
      return finding;
    }
    case Kind::organization_owner: return in_organization(operation, call, identity::MemberRole::owner);
    case Kind::in_namespace: return in_namespace(call, permission.role);
    case Kind::in_repository: return in_repository(call, permission.role);
  }
  return Finding{};
}

Result<void> check_namespace(const Call& call) {
  return call.services.database.read([&call](db::Session& session) -> Result<void> {
    const auto rows =
        session.query("SELECT 1 FROM namespaces WHERE name = ?", {namespace_name(call.path("namespace"))});
    if (!rows) return rows.error();
    if (rows->empty()) return not_visible();
    return {};
  });
}

// Whether what the path names is there, for whoever may know because of a right on the whole installation.
Result<void> check_present(const Permission& permission, const Call& call) {
  switch (permission.kind) {
    case Kind::in_repository:
      if (call.repository == nullptr) return not_visible();
      return {};
    case Kind::member:
    case Kind::seen_by_members:
    case Kind::organization_owner:
      if (!call.organization) return not_visible();
      return {};
    case Kind::credentials:
      if (!call.account) return not_visible();
      return {};
    case Kind::in_namespace: return check_namespace(call);
    default: return {};  // the handler looks
  }
}

std::string_view words(Kind kind) {
  switch (kind) {
    case Kind::system: return "";
    case Kind::anyone: return "anyone";
    case Kind::account: return "account";
    case Kind::in_person: return "log-in";
    case Kind::self: return "self";
    case Kind::credentials: return "self or the robot's managers";
    case Kind::member: return "organization member";
    case Kind::seen_by_members: return "";
    case Kind::organization_owner: return "organization owner";
    case Kind::in_namespace: return "namespace";
    case Kind::in_repository: return "repository";
  }
  return "";
}

// "the system role security_officer or administrator".
std::string roles_that_may(access::SystemAction action) {
  std::string out;
  for (const auto role : {identity::SystemRole::auditor, identity::SystemRole::security_officer,
                          identity::SystemRole::administrator})
    if (access::decide(role, action)) out += fmt::format("{}{}", out.empty() ? "" : " or ", name(role));
  return "the system role " + out;
}

}  // namespace

bool leaves(const Operation& operation, const Call& call) {
  if (operation.method != http::Method::delete_ || operation.permission.kind != Kind::member) return false;
  return std::ranges::any_of(call.path_values, [&](const auto& value) {
    return value.first == "member" && value.second == call.caller.principal.account;
  });
}

Error not_visible() {
  return {Errc::not_found, "there is nothing at this address, or it is not yours to see"};
}

access::Namer namer_of(const Call& call) {
  if (call.caller.is_operator || call.may(access::SystemAction::read_directory)) return std::nullopt;
  return call.caller.principal.account_id;
}

std::string namespace_name(std::string_view text) { return text == "/" ? std::string() : std::string(text); }

std::string describe(const Permission& permission) {
  std::string out(words(permission.kind));
  if (permission.role != access::Role::none) out += fmt::format(" {}", access::name(permission.role));
  if (!permission.or_action) return out;
  if (!out.empty()) out += ", or ";
  return out += access::name(*permission.or_action);
}

Result<void> permit(const Operation& operation, Call& call) {
  const Permission& permission = operation.permission;
  const auto finding = find(operation, call);
  if (!finding) return finding.error();
  if (finding->allowed) return {};
  if (call.caller.is_operator) return check_present(permission, call);
  if (permission.or_action && call.may(*permission.or_action)) return check_present(permission, call);
  call.denied_for = finding->needed == kTakesLogIn ? access::why::kToken : finding->why;
  if (!finding->visible) return not_visible();
  const bool by_role = finding->needed == kSystemRole && permission.or_action;
  return Error{Errc::denied,
               fmt::format("{} may not do this: it takes {}", call.caller.principal.account,
                           by_role ? roles_that_may(*permission.or_action) : std::string(finding->needed))};
}

}  // namespace bulkhead::api::management

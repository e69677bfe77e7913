#include "api/management/standing.h"

#include "access/facts.h"
#include "access/roles.h"
#include "api/management/permission.h"
#include "identity/login/policies.h"
#include "identity/people/members.h"

namespace bulkhead::api::management {
namespace {

using Kind = Permission::Kind;

Error taken_away() {
  return {Errc::denied, "the right to do this was taken away while the request was under way"};
}

Result<void> only_if(bool holds) {
  if (holds) return {};
  return taken_away();
}

Error ended() {
  return {Errc::unauthenticated, "the log-in ended while the request was under way; log in again"};
}

// The session and the account as they were; tokens are access/'s to look at.
Result<access::Principal> read_caller(db::Session& session, const Call& call) {
  const ManagementCaller& caller = call.caller;
  if (caller.session_id != 0) {
    const auto sessions =
        session.query("SELECT 1 FROM sessions WHERE id = ? AND account_id = ? AND credential_version = ?",
                      {caller.session_id, caller.principal.account_id, caller.principal.credential_version});
    if (!sessions) return sessions.error();
    if (sessions->empty()) return ended();
  }
  auto who = access::read_principal(session, caller.principal, call.services.clock.now());
  if (!who && who.error().code == Errc::denied) return ended();
  if (!who) return who;
  const auto roles =
      session.query("SELECT system_role FROM accounts WHERE id = ?", {caller.principal.account_id});
  if (!roles) return roles.error();
  const bool none = caller.system_role == identity::SystemRole::none;
  if (roles->at(0).text(0) != (none ? std::string_view() : name(caller.system_role))) return taken_away();
  return who;
}

Result<void> check_policy(db::Session& session, const access::Principal& who, std::int64_t organization_id) {
  const auto admitted = access::admitted(session, who, organization_id);
  if (!admitted) return admitted.error();
  return only_if(*admitted);
}

Result<void> check_member(db::Session& session, const access::Principal& who, std::string_view organization,
                          identity::MemberRole least) {
  const auto rows = session.query(
      "SELECT m.role, o.id FROM organizations o JOIN organization_members m ON m.organization_id = o.id "
      "WHERE o.name = ? AND m.account_id = ?",
      {std::string(organization), who.account_id});
  if (!rows) return rows.error();
  if (rows->empty()) return taken_away();
  if (least == identity::MemberRole::owner && rows->front().text(0) != name(least)) return taken_away();
  return check_policy(session, who, rows->front().integer(1));
}

Result<void> check_namespace(db::Session& session, const access::Principal& who, const std::string& name,
                             access::Role least) {
  const auto rows =
      session.query("SELECT COALESCE(organization_id, 0) FROM namespaces WHERE name = ?", {name});
  if (!rows) return rows.error();
  if (rows->empty()) return {};  // whoever asks finds out that it is gone
  if (!access::owns_installation(who, name)) {
    const auto role = access::read_namespace_role(session, who.account_id, name);
    if (!role) return role.error();
    if (*role < least) return taken_away();
  }
  return check_policy(session, who, rows->front().integer(0));
}

Result<void> check_repository(db::Session& session, const access::Principal& who, const Call& call) {
  if (call.held_role == access::Role::none) return {};  // public, or another's who reads it all
  // By its name, as the handler goes: another may have taken it.
  const auto rows = session.query(
      "SELECT r.id, COALESCE(n.organization_id, 0) FROM repositories r "
      "JOIN namespaces n ON n.id = r.namespace_id WHERE r.name = ?",
      {call.path("repository")});
  if (!rows) return rows.error();
  if (rows->empty()) return {};
  const auto role = access::read_role(session, who, rows->front().integer(0));
  if (!role) return role.error();
  if (*role < call.held_role) return taken_away();
  return check_policy(session, who, rows->front().integer(1));
}

// One's own credentials are one's own; a robot's are those of whoever looks after it.
Result<void> check_credentials(db::Session& session, const access::Principal& who, const Call& call) {
  if (!call.account || call.account->id == who.account_id) return {};
  const auto rows = session.query(
      "SELECT COALESCE(o.name, ''), COALESCE(r.repository_id, 0), COALESCE(n.organization_id, 0) "
      "FROM robots r LEFT JOIN organizations o ON o.id = r.organization_id "
      "LEFT JOIN repositories p ON p.id = r.repository_id LEFT JOIN namespaces n ON n.id = p.namespace_id "
      "WHERE r.account_id = ?",
      {call.account->id});
  if (!rows) return rows.error();
  if (rows->empty()) return {};
  const db::Row& robot = rows->front();
  if (!robot.text(0).empty()) return check_member(session, who, robot.text(0), identity::MemberRole::owner);
  const auto role = access::read_role(session, who, robot.integer(1));
  if (!role) return role.error();
  if (*role != access::Role::owner) return taken_away();
  return check_policy(session, who, robot.integer(2));
}

}  // namespace

Result<void> check_still_permitted(db::Session& session, const Operation& operation, const Call& call) {
  const Permission& permission = operation.permission;
  if (call.caller.is_operator || call.caller.principal.anonymous() || permission.kind == Kind::anyone)
    return {};
  const auto who = read_caller(session, call);
  if (!who) return who.error();
  if (call.makes_in)
    if (auto may = check_namespace(session, *who, *call.makes_in, access::Role::writer); !may) return may;
  if (permission.or_action && call.may(*permission.or_action)) return {};
  switch (permission.kind) {
    case Kind::system:
    case Kind::seen_by_members:
    case Kind::anyone:
    case Kind::account:
    case Kind::in_person:
    case Kind::self: return {};
    case Kind::credentials: return check_credentials(session, *who, call);
    case Kind::member:
      if (leaves(operation, call)) return {};
      [[fallthrough]];
    case Kind::organization_owner:
      return check_member(session, *who, call.path("organization"),
                          call.held_membership.value_or(identity::MemberRole::member));
    case Kind::in_namespace:
      return check_namespace(session, *who, namespace_name(call.path("namespace")), call.held_role);
    case Kind::in_repository: return check_repository(session, *who, call);
  }
  return {};
}

}  // namespace bulkhead::api::management

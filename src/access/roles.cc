#include "access/roles.h"
#include "identity/login/policies.h"

#include <fmt/format.h>

#include <algorithm>

namespace bulkhead::access {
namespace {

// The namespace's name, and the account twice, after kCallerSql's parameter. One row for each reason.
constexpr std::string_view kNamespaceReasons =
    ", space (id, owner_id, organization_id) AS "
    "(SELECT id, owner_id, organization_id FROM namespaces WHERE name = ?) "
    "SELECT 'owner' FROM space WHERE owner_id = ? "
    "UNION ALL SELECT CASE m.role WHEN 'owner' THEN 'owner' ELSE o.member_role END FROM space s "
    "JOIN organizations o ON o.id = s.organization_id "
    "JOIN organization_members m ON m.organization_id = o.id JOIN person p ON p.id = m.account_id "
    "UNION ALL SELECT g.role FROM space s JOIN namespace_grants g ON g.namespace_id = s.id "
    "WHERE g.account_id = ? "
    "UNION ALL SELECT g.role FROM space s JOIN team_namespace_grants g ON g.namespace_id = s.id "
    "JOIN mine ON mine.id = g.team_id";

// The repository and the account, twice, and the repository again. Reasons that are no role's name say how
// the account came to be the owner.
constexpr std::string_view kRepositoryReasons =
    " SELECT CASE owner_appointed WHEN 1 THEN 'owner' ELSE 'first pusher' END FROM repositories "
    "WHERE id = ? AND owner_id = ? "
    "UNION ALL SELECT role FROM repository_grants WHERE repository_id = ? AND account_id = ? "
    "UNION ALL SELECT g.role FROM team_repository_grants g JOIN mine ON mine.id = g.team_id "
    "WHERE g.repository_id = ?";

// The principal is administrator (0 or 1), and its account four times.
constexpr std::string_view kReadable =
    "(r.visibility = 'public' OR (n.name = '' AND ? = 1) OR n.owner_id = ? "
    "OR (r.owner_id = ? AND r.owner_appointed = 1) "
    "OR EXISTS (SELECT 1 FROM repository_grants g WHERE g.repository_id = r.id AND g.account_id = ?) "
    "OR EXISTS (SELECT 1 FROM namespace_grants g WHERE g.namespace_id = n.id AND g.account_id = ?) "
    "OR EXISTS (SELECT 1 FROM organization_members m JOIN person p ON p.id = m.account_id "
    "JOIN organizations o ON o.id = m.organization_id "
    "WHERE m.organization_id = n.organization_id AND (m.role = 'owner' OR o.member_role <> 'none')) "
    "OR EXISTS (SELECT 1 FROM team_repository_grants g JOIN mine ON mine.id = g.team_id "
    "WHERE g.repository_id = r.id) "
    "OR EXISTS (SELECT 1 FROM team_namespace_grants g JOIN mine ON mine.id = g.team_id "
    "WHERE g.namespace_id = n.id))";

Error taken_away() {
  return {Errc::denied, "the right to do this was taken away while the request was under way"};
}

}  // namespace

Result<Principal> read_principal(db::Session& session, const Principal& principal, Time now) {
  if (principal.anonymous()) return principal;
  const auto accounts = session.query(
      "SELECT system_role, token_version FROM accounts WHERE id = ? AND name = ? AND state = 'active' "
      "AND credential_version = ?",
      {principal.account_id, principal.account, principal.credential_version});
  if (!accounts) return accounts.error();
  if (accounts->empty()) return taken_away();
  if (principal.token_id != 0) {
    const auto tokens = session.query(
        "SELECT 1 FROM access_tokens WHERE id = ? AND account_id = ? AND revoked_at IS NULL "
        "AND expires_at > ? AND token_version = ?",
        {principal.token_id, principal.account_id, to_micros(now), accounts->front().integer(1)});
    if (!tokens) return tokens.error();
    if (tokens->empty()) return taken_away();
  }
  Principal who = principal;
  who.administrator = accounts->front().text(0) == "administrator";
  return who;
}

Role stored_role(std::string_view text) {
  for (const Role role : {Role::reader, Role::writer, Role::maintainer, Role::owner})
    if (text == name(role)) return role;
  return Role::none;
}

Result<Role> read_namespace_role(db::Session& session, std::int64_t account_id, std::string_view name) {
  const auto rows = session.query(fmt::format("{}{}", kCallerSql, kNamespaceReasons),
                                  {account_id, std::string(name), account_id, account_id});
  if (!rows) return rows.error();
  Role role = Role::none;
  for (const db::Row& row : *rows) role = std::max(role, stored_role(row.text(0)));
  return role;
}

Result<RepositoryRole> read_repository_role(db::Session& session, std::int64_t account_id,
                                            std::int64_t repository_id) {
  const auto rows =
      session.query(fmt::format("{}{}", kCallerSql, kRepositoryReasons),
                    {account_id, repository_id, account_id, repository_id, account_id, repository_id});
  if (!rows) return rows.error();
  RepositoryRole found;
  for (const db::Row& row : *rows) {
    found.role = std::max(found.role, stored_role(row.text(0)));
    if (row.text(0) == "first pusher") found.first_pusher = true;
  }
  return found;
}

Role combine(Role in_namespace, const RepositoryRole& in_repository) {
  const Role role = std::max(in_namespace, in_repository.role);
  return in_repository.first_pusher && role != Role::none ? Role::owner : role;
}

bool owns_installation(const Principal& principal, std::string_view namespace_name) {
  return principal.administrator && namespace_name.empty();
}

Result<Role> read_role(db::Session& session, const Principal& principal, std::int64_t repository_id) {
  if (principal.anonymous()) return Role::none;
  const auto rows = session.query(
      "SELECT n.name FROM repositories r JOIN namespaces n ON n.id = r.namespace_id WHERE r.id = ?",
      {repository_id});
  if (!rows) return rows.error();
  if (rows->empty()) return Role::none;
  const std::string& space = rows->front().text(0);
  if (owns_installation(principal, space)) return Role::owner;
  const auto in_namespace = read_namespace_role(session, principal.account_id, space);
  if (!in_namespace) return in_namespace.error();
  const auto in_repository = read_repository_role(session, principal.account_id, repository_id);
  if (!in_repository) return in_repository.error();
  return combine(*in_namespace, *in_repository);
}

Result<bool> admitted(db::Session& session, const Principal& principal, std::int64_t organization_id) {
  if (organization_id == 0) return true;
  const auto policy = identity::read_organization_policy(session, organization_id);
  if (!policy) return policy.error();
  return policy->lacking(principal.proof, principal.address).empty();
}

Result<void> check_still_may(db::Session& session, const Principal& principal, Action action,
                             std::int64_t repository_id, Time now) {
  const auto who = read_principal(session, principal, now);
  if (!who) return who.error();
  const auto places = session.query(
      "SELECT r.visibility, r.namespace_id, COALESCE(n.organization_id, 0), r.removed_at FROM repositories r "
      "JOIN namespaces n ON n.id = r.namespace_id WHERE r.id = ?",
      {repository_id});
  if (!places) return places.error();
  if (places->empty()) return {};  // whoever asks finds out that it is gone
  const db::Row& place = places->front();
  if (!place.is_null(3)) return Error{Errc::name_unknown, "the repository has been deleted"};
  Standing standing{.exists = true,
                    .visibility = place.text(0) == "public" ? Visibility::public_ : Visibility::private_,
                    .namespace_id = place.integer(1),
                    .repository_id = repository_id};
  const auto role = read_role(session, *who, repository_id);
  if (!role) return role.error();
  const auto let_in = admitted(session, *who, place.integer(2));
  if (!let_in) return let_in.error();
  if (*let_in) standing.role = *role;
  if (decide(*who, action, standing)) return {};
  return taken_away();
}

Readable readable_by(const Principal& principal) {
  const std::int64_t id = principal.account_id;
  return {.with = kCallerSql,
          .with_parameters = {id},
          .where = kReadable,
          .where_parameters = {std::int64_t{principal.administrator}, id, id, id, id}};
}

}  // namespace bulkhead::access

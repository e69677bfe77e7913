// The part of Facts that says who may do what in a repository, and why.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "access/facts_state.h"

namespace bulkhead::access {
namespace {

using Kind = Reason::Kind;

constexpr std::array<std::string_view, 9> kKinds = {
    "repository_owner",   "repository_grant",    "team_repository_grant",
    "namespace_owner",    "namespace_grant",     "team_namespace_grant",
    "organization_owner", "organization_member", "administrator"};

// `given`: each grant to a team, and whether the reader may know who is in it. `heirs`: each team that has
// one of these, and each below it, with the grant. `reasons`: each account's, but for the ownership of
// whoever pushed first, which is no reason by itself. `lines`: what is listed, in the reader's sight; a team
// that is not is one line by itself. Parameters: the namespace, the repository; the namespace and the reader,
// or 0 for who sees all, twice; the repository; the namespace, the namespace; the repository, the namespace;
// the namespace.
constexpr std::string_view kReasons =
    "WITH RECURSIVE granted (team_id, kind, role) AS ("
    "SELECT team_id, 'team_namespace_grant', role FROM team_namespace_grants WHERE namespace_id = ? "
    "UNION ALL SELECT team_id, 'team_repository_grant', role FROM team_repository_grants "
    "WHERE repository_id = ?), "
    "given (team_id, kind, role, told) AS (SELECT g.team_id, g.kind, g.role, CASE WHEN EXISTS "
    "(SELECT 1 FROM namespaces n WHERE n.id = ? AND n.organization_id = t.organization_id) OR CAST(? AS "
    "BIGINT) = 0 "
    "OR EXISTS (SELECT 1 FROM organization_members m WHERE m.organization_id = t.organization_id "
    "AND m.account_id = ?) THEN 1 ELSE 0 END FROM granted g JOIN teams t ON t.id = g.team_id), "
    "heirs (team_id, granted_id, kind, role) AS ("
    "SELECT team_id, team_id, kind, role FROM given WHERE told = 1 "
    "UNION SELECT t.id, h.granted_id, h.kind, h.role FROM teams t JOIN heirs h ON t.parent_id = h.team_id), "
    "reasons (account_id, kind, role, team_id) AS ("
    "SELECT owner_id, 'repository_owner', 'owner', CAST(0 AS BIGINT) FROM repositories "
    "WHERE id = ? AND owner_appointed = 1 "
    "UNION SELECT owner_id, 'namespace_owner', 'owner', 0 FROM namespaces WHERE id = ? "
    "UNION SELECT m.account_id, CASE m.role WHEN 'owner' THEN 'organization_owner' ELSE "
    "'organization_member' END, "
    "CASE m.role WHEN 'owner' THEN 'owner' ELSE o.member_role END, 0 FROM namespaces n "
    "JOIN organizations o ON o.id = n.organization_id JOIN organization_members m ON m.organization_id = "
    "o.id "
    "JOIN accounts p ON p.id = m.account_id AND p.kind = 'person' WHERE n.id = ? "
    "UNION SELECT account_id, 'repository_grant', role, 0 FROM repository_grants WHERE repository_id = ? "
    "UNION SELECT account_id, 'namespace_grant', role, 0 FROM namespace_grants WHERE namespace_id = ? "
    "UNION SELECT m.account_id, h.kind, h.role, h.granted_id FROM heirs h "
    "JOIN team_members m ON m.team_id = h.team_id "
    "JOIN accounts p ON p.id = m.account_id AND p.kind = 'person' "
    "UNION SELECT a.id, 'administrator', 'owner', 0 FROM namespaces n "
    "JOIN accounts a ON a.system_role = 'administrator' WHERE n.id = ? AND n.name = ''), "
    "lines (name, account_kind, kind, role, team) AS ("
    "SELECT a.name, a.kind, s.kind, s.role, COALESCE(o.name || '/' || t.name, '') "
    "FROM reasons s JOIN accounts a ON a.id = s.account_id LEFT JOIN teams t ON t.id = s.team_id "
    "LEFT JOIN organizations o ON o.id = t.organization_id WHERE a.state = 'active' AND s.role <> 'none' "
    "UNION ALL SELECT 'team:' || o.name || '/' || t.name, 'team', g.kind, g.role, o.name || '/' || t.name "
    "FROM given g JOIN teams t ON t.id = g.team_id JOIN organizations o ON o.id = t.organization_id "
    "WHERE g.told = 0) ";

std::vector<db::Value> reason_parameters(const Repository& repository, Namer reader) {
  const std::int64_t id = repository.id;
  const std::int64_t space = repository.namespace_id;
  const std::int64_t who = reader.value_or(0);
  return {space, id, space, who, who, id, space, space, id, space, space};
}

Result<Reason> reason_from(const db::Row& row) {
  Reason reason;
  const auto kind = std::ranges::find(kKinds, row.text(2));
  if (kind == kKinds.end()) return Error{Errc::internal, "a role has a reason that is not known"};
  reason.kind = static_cast<Kind>(kind - kKinds.begin());
  reason.role = stored_role(row.text(3));
  reason.team = row.text(4);
  return reason;
}

struct FirstPusher {
  std::string account;  // "" when the owner was appointed
};

Result<FirstPusher> read_first_pusher(db::Session& session, std::int64_t repository_id) {
  const auto rows = session.query(
      "SELECT a.name FROM repositories r JOIN accounts a ON a.id = r.owner_id "
      "WHERE r.id = ? AND r.owner_appointed = 0",
      {repository_id});
  if (!rows) return rows.error();
  return rows->empty() ? FirstPusher{} : FirstPusher{rows->front().text(0)};
}

// The last of the accounts that make a page, and whether there are more.
struct PageEnd {
  std::string last;
  bool more = false;
};

Result<PageEnd> read_page_end(db::Session& session, const Repository& repository, std::string_view last,
                              std::size_t limit, Namer reader) {
  auto parameters = reason_parameters(repository, reader);
  parameters.emplace_back(std::string(last));
  parameters.emplace_back(static_cast<std::int64_t>(limit) + 1);
  const auto rows = session.query(
      fmt::format("{} SELECT DISTINCT name FROM lines WHERE name > ? ORDER BY name LIMIT ?", kReasons),
      parameters);
  if (!rows) return rows.error();
  PageEnd end;
  end.more = rows->size() > limit;
  if (!rows->empty()) end.last = rows->at(std::min(rows->size(), limit) - 1).text(0);
  return end;
}

Result<std::vector<db::Row>> read_reasons(db::Session& session, const Repository& repository,
                                          std::string_view after, std::string_view last, Namer reader) {
  auto parameters = reason_parameters(repository, reader);
  parameters.emplace_back(std::string(after));
  parameters.emplace_back(std::string(last));
  return session.query(
      fmt::format("{} SELECT name, account_kind, kind, role, team FROM lines WHERE name > ? AND name <= ? "
                  "ORDER BY name, kind, team",
                  kReasons),
      parameters);
}

Result<std::vector<EffectiveGrant>> grouped(const std::vector<db::Row>& rows, const FirstPusher& pusher) {
  std::vector<EffectiveGrant> grants;
  for (const db::Row& row : rows) {
    if (grants.empty() || grants.back().account != row.text(0)) {
      grants.push_back(
          {.account = row.text(0), .is_robot = row.text(1) == "robot", .role = Role::none, .reasons = {}});
      if (pusher.account == row.text(0)) {
        grants.back().role = Role::owner;
        grants.back().reasons.push_back({Kind::repository_owner, Role::owner, ""});
      }
    }
    auto reason = reason_from(row);
    if (!reason) return reason.error();
    grants.back().role = std::max(grants.back().role, reason->role);
    grants.back().reasons.push_back(*std::move(reason));
  }
  return grants;
}

}  // namespace

std::string_view name(Reason::Kind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

Result<EffectiveGrants> Facts::effective_grants(const oci::RepositoryName& name, std::string_view last,
                                                std::size_t limit, Namer reader) {
  EffectiveGrants grants;
  const std::string after = comparable(last);
  limit = std::min<std::size_t>(limit, std::numeric_limits<std::int32_t>::max());
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    grants = {};
    const auto repository = read_repository(session, name);
    if (!repository) return repository.error();
    if (*repository == nullptr) return repository_unknown(name);
    if (limit == 0) return {};
    const auto end = read_page_end(session, **repository, after, limit, reader);
    if (!end) return end.error();
    const auto pusher = read_first_pusher(session, (*repository)->id);
    if (!pusher) return pusher.error();
    const auto rows = read_reasons(session, **repository, after, end->last, reader);
    if (!rows) return rows.error();
    auto entries = grouped(*rows, *pusher);
    if (!entries) return entries.error();
    grants = {*std::move(entries), end->more};
    return {};
  });
  if (!done) return done.error();
  return grants;
}

}  // namespace bulkhead::access

#include "access/inventory.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "access/facts_state.h"

namespace bulkhead::access {
namespace {

constexpr std::string_view kNamespaces =
    "SELECT n.name, COALESCE(a.name, o.name, ''), n.organization_id, n.quota_bytes, n.used_bytes "
    "FROM namespaces n LEFT JOIN accounts a ON a.id = n.owner_id "
    "LEFT JOIN organizations o ON o.id = n.organization_id ";

// No name begins with a character as low as '/'.
constexpr std::string_view kOrder = "CASE n.name WHEN '' THEN '/' ELSE n.name END";

NamespaceDetails details_of(const db::Row& row) {
  NamespaceDetails details{row.text(0), row.text(1), !row.is_null(2), {}, row.integer(4)};
  if (!row.is_null(3)) details.quota_bytes = row.integer(3);
  return details;
}

// Subject and role of everybody on the target, whose name is the only parameter, twice.
std::string given_roles_sql(const GrantTarget& target) {
  const std::string_view kind = target.is_namespace ? "namespace" : "repository";
  const std::string_view table = target.is_namespace ? "namespaces" : "repositories";
  return fmt::format(
      "SELECT subject, role FROM (SELECT a.name AS subject, g.role AS role FROM {0}_grants g "
      "JOIN accounts a ON a.id = g.account_id JOIN {1} x ON x.id = g.{0}_id WHERE x.name = ? "
      "UNION ALL SELECT 'team:' || o.name || '/' || t.name, g.role FROM team_{0}_grants g "
      "JOIN teams t ON t.id = g.team_id JOIN organizations o ON o.id = t.organization_id "
      "JOIN {1} x ON x.id = g.{0}_id WHERE x.name = ?) AS given ",
      kind, table);
}

Result<GivenRole> given_of(const db::Row& row) {
  auto subject = parse_grant_subject(row.text(0));
  if (!subject) return subject.error();
  const auto role = parse_role(row.text(1));
  if (!role) return role.error();
  return GivenRole{*std::move(subject), *role};
}

}  // namespace

Result<std::vector<NamespaceDetails>> read_namespaces(db::Session& session,
                                                      std::optional<std::int64_t> owner_id,
                                                      std::string_view after, std::size_t limit,
                                                      const std::optional<std::vector<std::int64_t>>& only) {
  if (only && only->empty()) return std::vector<NamespaceDetails>();
  std::string sql = fmt::format("{}WHERE {} > ? AND n.name <> ? ", kNamespaces, kOrder);
  std::vector<db::Value> parameters{std::string(after), std::string(kRemovedNamespace)};
  if (owner_id) {
    sql +=
        "AND (n.owner_id = ? OR n.organization_id IN (SELECT m.organization_id FROM organization_members m "
        "WHERE m.account_id = ? AND m.role = 'owner')) ";
    parameters.insert(parameters.end(), 2, *owner_id);
  }
  if (only) {
    sql += "AND n.id IN (?";
    for (std::size_t i = 1; i < only->size(); ++i) sql += ", ?";
    sql += ") ";
    parameters.insert(parameters.end(), only->begin(), only->end());
  }
  sql += fmt::format("ORDER BY {} LIMIT ?", kOrder);
  parameters.emplace_back(static_cast<std::int64_t>(limit));
  const auto rows = session.query(sql, std::span<const db::Value>(parameters));
  if (!rows) return rows.error();
  std::vector<NamespaceDetails> out;
  for (const db::Row& row : *rows) out.push_back(details_of(row));
  return out;
}

Result<NamespaceDetails> read_namespace(db::Session& session, std::string_view name) {
  const auto rows = session.query(fmt::format("{}WHERE n.name = ?", kNamespaces), {std::string(name)});
  if (!rows) return rows.error();
  if (rows->empty()) return namespace_unknown(name);
  return details_of(rows->front());
}

Result<std::vector<GivenRole>> read_given_roles(db::Session& session, const GrantTarget& target,
                                                std::string_view after, std::size_t limit) {
  const auto rows =
      session.query(given_roles_sql(target) + "WHERE subject > ? ORDER BY subject LIMIT ?",
                    {target.name, target.name, std::string(after), static_cast<std::int64_t>(limit)});
  if (!rows) return rows.error();
  std::vector<GivenRole> out;
  for (const db::Row& row : *rows) {
    auto given = given_of(row);
    if (!given) return given.error();
    out.push_back(*std::move(given));
  }
  return out;
}

Result<std::vector<WrittenGrant>> read_all_given_roles(db::Session& session) {
  const auto rows = session.query(
      "SELECT n.name || '/', a.name, g.role FROM namespace_grants g JOIN accounts a ON a.id = g.account_id "
      "JOIN namespaces n ON n.id = g.namespace_id UNION ALL "
      "SELECT r.name, a.name, g.role FROM repository_grants g JOIN accounts a ON a.id = g.account_id "
      "JOIN repositories r ON r.id = g.repository_id UNION ALL "
      "SELECT n.name || '/', 'team:' || o.name || '/' || t.name, g.role FROM team_namespace_grants g "
      "JOIN teams t ON t.id = g.team_id JOIN organizations o ON o.id = t.organization_id "
      "JOIN namespaces n ON n.id = g.namespace_id UNION ALL "
      "SELECT r.name, 'team:' || o.name || '/' || t.name, g.role FROM team_repository_grants g "
      "JOIN teams t ON t.id = g.team_id JOIN organizations o ON o.id = t.organization_id "
      "JOIN repositories r ON r.id = g.repository_id");
  if (!rows) return rows.error();
  std::vector<WrittenGrant> out;
  for (const db::Row& row : *rows) out.push_back({row.text(0), row.text(1), row.text(2)});
  std::ranges::sort(out, {}, [](const WrittenGrant& each) { return std::tie(each.target, each.subject); });
  return out;
}

Result<std::optional<GivenRole>> read_given_role(db::Session& session, const GrantTarget& target,
                                                 const GrantSubject& subject) {
  const auto rows = session.query(given_roles_sql(target) + "WHERE subject = ?",
                                  {target.name, target.name, render(subject)});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<GivenRole>();
  auto given = given_of(rows->front());
  if (!given) return given.error();
  return std::optional(*std::move(given));
}

}  // namespace bulkhead::access

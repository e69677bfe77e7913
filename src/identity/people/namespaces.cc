#include "identity/people/namespaces.h"

#include <fmt/format.h>

#include "identity/people/robots.h"
#include "oci/name.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

constexpr std::string_view kRobots =
    "SELECT a.id, a.name FROM accounts a JOIN robots r ON r.account_id = a.id WHERE "
    "r.organization_id = (SELECT organization_id FROM namespaces WHERE id = ?) OR "
    "r.repository_id IN (SELECT id FROM repositories WHERE namespace_id = ?) ORDER BY a.id";

Result<std::int64_t> namespace_id(db::Session& session, std::string_view name) {
  const auto rows = session.query("SELECT id FROM namespaces WHERE name = ?", {std::string(name)});
  if (!rows) return rows.error();
  if (rows->empty())
    return Error{Errc::name_unknown, fmt::format("there is no namespace {}", oci::quote(name))};
  return rows->front().integer(0);
}

Result<void> rename_robots(Change& change, std::int64_t space, std::string_view to) {
  const auto robots = change.session.query(kRobots, {space, space});
  if (!robots) return robots.error();
  for (const db::Row& robot : *robots) {
    const std::string name = robot_name(to, robot_short_name(robot.text(1)));
    const auto renamed =
        change.execute("UPDATE accounts SET name = ? WHERE id = ?", {name, robot.integer(0)});
    if (!renamed) return renamed.error();
    change.forget(robot.integer(0));
    if (const auto recorded = change.record(audit::Action::account_renamed, robot.text(1), name); !recorded)
      return recorded.error();
  }
  return {};
}

}  // namespace

Result<void> check_name_is_free(db::Session& session, std::string_view name) {
  for (const std::string_view sql :
       {"SELECT 1 FROM accounts WHERE name = ?", "SELECT 1 FROM namespaces WHERE name = ?"}) {
    const auto found = session.query(sql, {std::string(name)});
    if (!found) return found.error();
    if (!found->empty())
      return Error{Errc::conflict, fmt::format("the name {} is taken; choose another", oci::quote(name))};
  }
  return {};
}

Result<void> rename_namespace(Change& change, std::string_view from, std::string_view to) {
  const auto space = namespace_id(change.session, from);
  if (!space) return space.error();
  const auto repositories = change.session.query(
      "SELECT name FROM repositories WHERE namespace_id = ? ORDER BY length(name) DESC LIMIT 1", {*space});
  if (!repositories) return repositories.error();
  if (!repositories->empty()) {
    const auto longest =
        oci::RepositoryName::parse(std::string(to) + repositories->front().text(0).substr(from.size()));
    if (!longest) return longest.error();
  }
  // Names are ASCII: their length in characters is that in bytes.
  const auto renamed = change.execute(
      "UPDATE repositories SET name = CAST(? AS TEXT) || substr(name, length(CAST(? AS TEXT)) + 1) "
      "WHERE namespace_id = ?",
      {std::string(to), std::string(from), *space});
  if (!renamed) return renamed.error();
  const auto named = change.execute("UPDATE namespaces SET name = ? WHERE id = ?", {std::string(to), *space});
  if (!named) return named.error();
  return rename_robots(change, *space, to);
}

Result<void> erase_namespace(Change& change, std::string_view name) {
  const auto space = namespace_id(change.session, name);
  if (!space) return space.error();
  const auto repositories = change.session.query(
      "SELECT name FROM repositories WHERE namespace_id = ? ORDER BY name LIMIT 1", {*space});
  if (!repositories) return repositories.error();
  if (!repositories->empty())
    return Error{Errc::conflict,
                 fmt::format("{} still has repositories, such as {}; delete them or move them first",
                             oci::quote(name), oci::quote(repositories->front().text(0)))};
  return change.execute_each(
      {"DELETE FROM namespace_grants WHERE namespace_id = ?",
       "DELETE FROM team_namespace_grants WHERE namespace_id = ?",
       "DELETE FROM access_token_scopes WHERE namespace_id = ?",
       "DELETE FROM workload_trust_scopes WHERE namespace_id = ?",
       "DELETE FROM quota_reservations WHERE namespace_id = ?", "DELETE FROM namespaces WHERE id = ?"},
      *space);
}

}  // namespace bulkhead::identity

// The part of Facts that lists what a caller may pull.

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "access/facts_state.h"

namespace bulkhead::access {

std::string comparable(std::string_view last) {
  const auto strange =
      std::ranges::find_if(last, [](char c) { return c == '\0' || static_cast<unsigned char>(c) > 0x7f; });
  std::string text(last.begin(), strange);
  if (strange != last.end() && *strange != '\0') text.push_back('\x7f');
  return text;
}

Result<std::vector<std::string>> Facts::catalog(const Principal& principal, std::string_view last,
                                                std::size_t limit) {
  if (principal.ceiling != nullptr && !principal.ceiling->allow_everywhere(identity::TokenAction::pull))
    return catalog(Principal(), last, limit);
  // One branch for each reason to read, each answered from an index: the cost is that of what the caller may
  // read. Deciding row by row would walk every repository that is not the caller's.
  std::vector<std::string_view> branches;
  std::vector<db::Value> parameters;
  const auto size =
      static_cast<std::int64_t>(std::min<std::size_t>(limit, std::numeric_limits<std::int32_t>::max()));
  const auto branch = [&](std::string_view sql, std::optional<std::int64_t> account_id) {
    branches.push_back(sql);
    if (account_id) parameters.emplace_back(*account_id);
    parameters.emplace_back(comparable(last));
    parameters.emplace_back(size);
  };
  if (!principal.anonymous()) parameters.emplace_back(principal.account_id);  // kCallerSql's
  if (!principal.anonymous() || state_->anonymous_pull)
    branch(
        "SELECT r.name FROM repositories r WHERE r.visibility = 'public' AND r.name > ? ORDER BY r.name "
        "LIMIT ?",
        {});
  if (!principal.anonymous()) {
    branch(
        "SELECT r.name FROM namespaces n JOIN repositories r ON r.namespace_id = n.id "
        "WHERE n.owner_id = ? AND r.name > ? ORDER BY r.name LIMIT ?",
        principal.account_id);
    branch(
        "SELECT r.name FROM namespace_grants g JOIN repositories r ON r.namespace_id = g.namespace_id "
        "WHERE g.account_id = ? AND r.name > ? ORDER BY r.name LIMIT ?",
        principal.account_id);
    branch(
        "SELECT r.name FROM repository_grants g JOIN repositories r ON r.id = g.repository_id "
        "WHERE g.account_id = ? AND r.name > ? ORDER BY r.name LIMIT ?",
        principal.account_id);
    // Whoever pushed one first, and was not appointed, has it for another reason as well or not at all.
    branch(
        "SELECT r.name FROM repositories r WHERE r.owner_id = ? AND r.owner_appointed = 1 AND r.name > ? "
        "ORDER BY r.name LIMIT ?",
        principal.account_id);
    branch(
        "SELECT r.name FROM person p JOIN organization_members m ON m.account_id = p.id "
        "JOIN organizations o ON o.id = m.organization_id JOIN namespaces n ON n.organization_id = o.id "
        "JOIN repositories r ON r.namespace_id = n.id "
        "WHERE (m.role = 'owner' OR o.member_role <> 'none') AND r.name > ? ORDER BY r.name LIMIT ?",
        {});
    branch(
        "SELECT r.name FROM mine JOIN team_namespace_grants g ON g.team_id = mine.id "
        "JOIN repositories r ON r.namespace_id = g.namespace_id WHERE r.name > ? ORDER BY r.name LIMIT ?",
        {});
    branch(
        "SELECT r.name FROM mine JOIN team_repository_grants g ON g.team_id = mine.id "
        "JOIN repositories r ON r.id = g.repository_id WHERE r.name > ? ORDER BY r.name LIMIT ?",
        {});
  }
  if (principal.administrator)
    branch(
        "SELECT r.name FROM namespaces n JOIN repositories r ON r.namespace_id = n.id "
        "WHERE n.name = '' AND r.name > ? ORDER BY r.name LIMIT ?",
        {});
  std::vector<std::string> names;
  if (branches.empty() || limit == 0) return names;

  std::string sql;
  for (std::size_t i = 0; i < branches.size(); ++i)
    sql += fmt::format("{}SELECT name FROM ({}) AS reason_{}", i == 0 ? "" : " UNION ", branches[i], i);
  sql = fmt::format("{} SELECT name FROM ({}) AS readable ORDER BY name LIMIT ?",
                    principal.anonymous() ? "" : kCallerSql, sql);
  parameters.emplace_back(size);
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(sql, parameters);
    if (!rows) return rows.error();
    names.clear();
    for (const db::Row& row : *rows) names.push_back(row.text(0));
    return {};
  });
  if (!done) return done.error();
  return names;
}

}  // namespace bulkhead::access

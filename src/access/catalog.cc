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

namespace {

// How many names are read at once where a credential or a policy may leave out some of them.
constexpr std::size_t kSieved = 500;

struct Listed {
  std::string name;
  std::int64_t repository_id = 0;
  std::int64_t namespace_id = 0;
  std::int64_t organization_id = 0;
  bool is_public = false;
};

// What there is a reason to read, whatever the credential is.
Result<std::vector<Listed>> read_reachable(db::Database& database, bool anonymous_pull,
                                           const Principal& principal, std::string_view last,
                                           std::size_t limit) {
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
  if (!principal.anonymous() || anonymous_pull)
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
  std::vector<Listed> listed;
  if (branches.empty() || limit == 0) return listed;

  std::string sql;
  for (std::size_t i = 0; i < branches.size(); ++i)
    sql += fmt::format("{}SELECT name FROM ({}) AS reason_{}", i == 0 ? "" : " UNION ", branches[i], i);
  // The names first, so that repositories are found by them and not walked in their order.
  sql = fmt::format(
      "{} SELECT r.name, r.id, r.namespace_id, COALESCE(n.organization_id, 0), r.visibility FROM "
      "(SELECT name FROM ({}) AS reachable ORDER BY name LIMIT ?) AS readable "
      "JOIN repositories r ON r.name = readable.name JOIN namespaces n ON n.id = r.namespace_id "
      "ORDER BY readable.name",
      principal.anonymous() ? "" : kCallerSql, sql);
  parameters.emplace_back(size);
  const auto done = database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(sql, parameters);
    if (!rows) return rows.error();
    listed.clear();
    for (const db::Row& row : *rows)
      listed.push_back(
          {row.text(0), row.integer(1), row.integer(2), row.integer(3), row.text(4) == "public"});
    return {};
  });
  if (!done) return done.error();
  return listed;
}

}  // namespace

Result<std::vector<std::string>> Facts::catalog(const Principal& principal, std::string_view last,
                                                std::size_t limit) {
  std::vector<std::string> names;
  std::string after(last);
  while (names.size() < limit) {
    const std::size_t chunk = std::max(limit - names.size(), principal.anonymous() ? limit : kSieved);
    const auto listed = read_reachable(state_->database, state_->anonymous_pull, principal, after, chunk);
    if (!listed) return listed.error();
    for (const Listed& each : *listed) {
      if (names.size() == limit) return names;
      const bool reached = within_ceiling(principal, Action::pull, each.namespace_id, each.repository_id);
      // What is public a limited credential may pull like nobody's.
      if (!reached && !(each.is_public && state_->anonymous_pull)) continue;
      if (!each.is_public) {
        const auto lacking = state_->lacking(principal, each.organization_id);
        if (!lacking) return lacking.error();
        if (!lacking->empty()) continue;
      }
      names.push_back(each.name);
    }
    if (listed->size() < chunk) break;
    after = listed->back().name;
  }
  return names;
}

Result<std::vector<std::string>> Facts::names(std::string_view last, std::size_t limit) {
  std::vector<std::string> names;
  const auto size =
      static_cast<std::int64_t>(std::min<std::size_t>(limit, std::numeric_limits<std::int32_t>::max()));
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(
        "SELECT name FROM repositories WHERE name > ? AND removed_at IS NULL ORDER BY name LIMIT ?",
        {comparable(last), size});
    if (!rows) return rows.error();
    names.clear();
    for (const db::Row& row : *rows) names.push_back(row.text(0));
    return {};
  });
  if (!done) return done.error();
  return names;
}

}  // namespace bulkhead::access

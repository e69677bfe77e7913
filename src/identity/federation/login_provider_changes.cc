// The part of LoginProviders where teams, sessions and accounts are concerned: group mappings, and removal.

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "identity/federation/login_provider_rows.h"
#include "identity/federation/login_provider_rules.h"
#include "identity/federation/login_providers.h"
#include "identity/federation/vouched_address.h"
#include "identity/people/team_rows.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;
using audit::Action;

// Of a provider whose settings nobody may be able to read any more.
Result<std::string> read_name(db::Session& session, std::int64_t id) {
  const auto rows = session.query("SELECT name FROM login_providers WHERE id = ?", {id});
  if (!rows) return rows.error();
  if (rows->empty()) return no_provider(id);
  return rows->front().text(0);
}

std::string mapping_detail(std::string_view provider, std::string_view group) {
  return json::serialize(json::object{{"provider", provider}, {"group", group}});
}

// For a team whose mapping has gone: a directory's members stay only while some group still leads there.
Result<void> end_unmapped_memberships(Change& change, const Team& team) {
  const auto mapped =
      change.session.query("SELECT 1 FROM group_mappings WHERE team_id = ? LIMIT 1", {team.id});
  if (!mapped) return mapped.error();
  if (!mapped->empty()) return {};
  return end_directory_memberships(change, team);
}

Result<std::int64_t> erase_mappings(Change& change, std::int64_t provider_id) {
  const auto teams = change.session.query(
      "SELECT DISTINCT team_id FROM group_mappings WHERE provider_id = ? ORDER BY team_id", {provider_id});
  if (!teams) return teams.error();
  const auto gone = change.execute("DELETE FROM group_mappings WHERE provider_id = ?", {provider_id});
  if (!gone) return gone.error();
  for (const db::Row& row : *teams) {
    const auto team = read_team(change.session, row.integer(0));
    if (!team) return team.error();
    if (const auto ended = end_unmapped_memberships(change, *team); !ended) return ended.error();
  }
  return *gone;
}

// The ids go to `ended`, for memory to forget once this is over.
Result<void> erase_sessions(Change& change, std::int64_t provider_id, std::vector<std::int64_t>& ended) {
  const auto rows = change.session.query(
      "SELECT s.id, a.name FROM external_sessions e JOIN sessions s ON s.id = e.session_id "
      "JOIN accounts a ON a.id = s.account_id WHERE e.provider_id = ? ORDER BY s.id",
      {provider_id});
  if (!rows) return rows.error();
  for (const db::Row& row : *rows) {
    ended.push_back(row.integer(0));
    const auto recorded =
        change.record(Action::session_ended, row.text(1), fmt::format(R"({{"session":{}}})", row.integer(0)));
    if (!recorded) return recorded.error();
  }
  return change.execute_each(
      {"DELETE FROM sessions WHERE id IN (SELECT session_id FROM external_sessions WHERE provider_id = ?)",
       "DELETE FROM external_sessions WHERE provider_id = ?"},
      provider_id);
}

}  // namespace

// One transaction, so that nobody gets in between the end of the sessions and that of the provider.
Result<LoginProviders::Removed> LoginProviders::remove(std::int64_t id, const audit::Origin& origin) {
  std::vector<std::int64_t> ended;
  Removed removed;
  const auto done = directory_.change(origin, [&](Change& change) -> Result<void> {
    ended.clear();
    const auto name = read_name(change.session, id);
    if (!name) return name.error();
    const auto mappings = erase_mappings(change, id);
    if (!mappings) return mappings.error();
    if (auto gone = erase_sessions(change, id, ended); !gone) return gone;
    if (auto withdrawn = withdraw_addresses(change, id); !withdrawn) return withdrawn;
    const auto identities = change.execute("DELETE FROM external_identities WHERE provider_id = ?", {id});
    if (!identities) return identities.error();
    const auto erased = change.execute_each(
        {"DELETE FROM login_requests WHERE provider_id = ?", "DELETE FROM login_providers WHERE id = ?"}, id);
    if (!erased) return erased;
    removed = {*identities, *mappings, static_cast<std::int64_t>(ended.size())};
    return change.record(Action::login_provider_removed, *name,
                         fmt::format(R"({{"identities":{},"mappings":{},"sessions":{}}})", removed.identities,
                                     removed.mappings, removed.sessions));
  });
  for (const std::int64_t session : ended) sessions_.forget(session);
  if (!done) return done.error();
  return removed;
}

namespace {

Result<std::vector<GroupMapping>> read_mappings(db::Session& session, std::string_view condition,
                                                std::int64_t parameter) {
  const auto rows = session.query(
      fmt::format("SELECT {}, m.external_group, p.name FROM {} JOIN group_mappings m ON m.team_id = t.id "
                  "JOIN login_providers p ON p.id = m.provider_id "
                  "WHERE {} ORDER BY p.name, m.external_group, o.name, t.name",
                  kTeamColumns, kTeams, condition),
      {parameter});
  if (!rows) return rows.error();
  std::vector<GroupMapping> all;
  for (const db::Row& row : *rows) {
    const Team team = team_from(row);
    all.push_back({.provider = row.text(kTeamColumnCount + 1),
                   .group = row.text(kTeamColumnCount),
                   .team_id = team.id,
                   .team = team.path()});
  }
  return all;
}

}  // namespace

Result<std::vector<GroupMapping>> LoginProviders::mappings(std::int64_t id) const {
  std::vector<GroupMapping> all;
  const auto done = directory_.read([&](db::Session& session) -> Result<void> {
    if (const auto name = read_name(session, id); !name) return name.error();
    auto found = read_mappings(session, "m.provider_id = ?", id);
    if (!found) return found.error();
    all = *std::move(found);
    return {};
  });
  if (!done) return done.error();
  return all;
}

Result<std::vector<GroupMapping>> LoginProviders::mappings_of_team(std::int64_t team_id) const {
  std::vector<GroupMapping> all;
  const auto done = directory_.read([&](db::Session& session) -> Result<void> {
    auto found = read_mappings(session, "m.team_id = ?", team_id);
    if (!found) return found.error();
    all = *std::move(found);
    return {};
  });
  if (!done) return done.error();
  return all;
}

Result<void> LoginProviders::add_mapping(std::int64_t id, std::string_view group, std::int64_t team_id,
                                         const audit::Origin& origin) {
  if (auto good = check_group(group); !good) return good;
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto name = read_name(change.session, id);
    if (!name) return name.error();
    const auto team = read_team(change.session, team_id);
    if (!team) return team.error();
    const auto added = change.execute(
        "INSERT INTO group_mappings (provider_id, external_group, team_id) VALUES (?, ?, ?) ON CONFLICT DO "
        "NOTHING",
        {id, std::string(group), team_id});
    if (!added) return added.error();
    if (*added == 0) return {};
    const auto rows = change.session.query("SELECT COUNT(*) FROM group_mappings WHERE provider_id = ?", {id});
    if (!rows) return rows.error();
    if (std::cmp_greater(rows->front().integer(0), kMostMappings))
      return Error{Errc::conflict, fmt::format("{} has {} group mappings, which is the most; remove one",
                                               oci::quote(*name), kMostMappings)};
    return change.record(Action::group_mapping_added, team->path(), mapping_detail(*name, group));
  });
}

Result<void> LoginProviders::remove_mapping(std::int64_t id, std::string_view group, std::int64_t team_id,
                                            const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto name = read_name(change.session, id);
    if (!name) return name.error();
    const auto team = read_team(change.session, team_id);
    if (!team) return team.error();
    const Error absent{Errc::not_found, fmt::format("the group {} is not mapped to {}", oci::quote(group),
                                                    oci::quote(team->path()))};
    if (!check_group(group)) return absent;
    const auto gone = change.execute(
        "DELETE FROM group_mappings WHERE provider_id = ? AND external_group = ? AND team_id = ?",
        {id, std::string(group), team_id});
    if (!gone) return gone.error();
    if (*gone == 0) return absent;
    if (auto ended = end_unmapped_memberships(change, *team); !ended) return ended;
    return change.record(Action::group_mapping_removed, team->path(), mapping_detail(*name, group));
  });
}

}  // namespace bulkhead::identity

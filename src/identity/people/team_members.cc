// The part of Teams that says who is in them.

#include <fmt/format.h>

#include <algorithm>

#include "identity/people/account_rows.h"
#include "identity/people/organization_rows.h"
#include "identity/people/paging.h"
#include "identity/people/team_rows.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

std::string detail(const Team& team, Source source) {
  // Names need no escaping.
  return fmt::format(R"({{"team":"{}","source":"{}"}})", team.path(), name(source));
}

Result<bool> is_in(db::Session& session, std::int64_t team_id, std::int64_t account_id, Source source) {
  const auto rows =
      session.query("SELECT 1 FROM team_members WHERE team_id = ? AND account_id = ? AND source = ?",
                    {team_id, account_id, std::string(name(source))});
  if (!rows) return rows.error();
  return !rows->empty();
}

Result<void> erase_team_member(Change& change, const Team& team, const Account& account, Source source) {
  const auto gone =
      change.execute("DELETE FROM team_members WHERE team_id = ? AND account_id = ? AND source = ?",
                     {team.id, account.id, std::string(name(source))});
  if (!gone) return gone.error();
  return change.record(audit::Action::team_member_removed, account.name, detail(team, source));
}

// Ends the membership that a directory's team had brought, when that was the last team.
Result<void> leave_with_the_last_team(Change& change, const Team& team, const Account& account) {
  const auto rows = change.session.query(
      "SELECT 1 FROM organization_members WHERE organization_id = ? AND account_id = ? AND source = 'sso' "
      "AND NOT EXISTS (SELECT 1 FROM team_members m JOIN teams t ON t.id = m.team_id "
      "WHERE m.account_id = ? AND t.organization_id = ?)",
      {team.organization_id, account.id, account.id, team.organization_id});
  if (!rows) return rows.error();
  if (rows->empty()) return {};
  const auto organization = read_organization(change.session, team.organization_id);
  if (!organization) return organization.error();
  return erase_member(change, *organization, account);
}

Result<void> enter_by_directory(Change& change, const Team& team, const Account& account) {
  const auto role = read_member_role(change.session, team.organization_id, account.id);
  if (!role) return role.error();
  if (!*role) {
    const auto organization = read_organization(change.session, team.organization_id);
    if (!organization) return organization.error();
    const auto entered = put_member(change, *organization, account, MemberRole::member, Source::sso);
    if (!entered) return entered.error();
  }
  return put_team_member(change, team, account, Source::sso);
}

Result<std::vector<std::int64_t>> ids(db::Session& session, std::string_view sql,
                                      std::initializer_list<db::Value> parameters) {
  const auto rows = session.query(sql, parameters);
  if (!rows) return rows.error();
  std::vector<std::int64_t> found;
  for (const db::Row& row : *rows) found.push_back(row.integer(0));
  return found;
}

bool contains(std::span<const std::int64_t> all, std::int64_t id) {
  return std::ranges::find(all, id) != all.end();
}

}  // namespace

Error no_member(std::string_view account, const Team& team) {
  return {Errc::conflict, fmt::format("{} is no member of {}; invite them first", oci::quote(account),
                                      oci::quote(team.organization))};
}

Error not_in_team(std::string_view account, const Team& team) {
  return {Errc::not_found, fmt::format("{} is not in {}", oci::quote(account), oci::quote(team.path()))};
}

Result<void> put_team_member(Change& change, const Team& team, const Account& account, Source source) {
  const auto added = change.execute(
      "INSERT INTO team_members (team_id, account_id, source) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      {team.id, account.id, std::string(name(source))});
  if (!added) return added.error();
  if (*added == 0) return {};
  return change.record(audit::Action::team_member_added, account.name, detail(team, source));
}

Result<void> end_directory_memberships(Change& change, const Team& team) {
  const auto members = ids(change.session,
                           "SELECT account_id FROM team_members WHERE team_id = ? AND source = 'sso' "
                           "ORDER BY account_id",
                           {team.id});
  if (!members) return members.error();
  for (const std::int64_t id : *members) {
    const auto account = read_account(change.session, id);
    if (!account) return account.error();
    if (const auto gone = erase_team_member(change, team, *account, Source::sso); !gone) return gone.error();
    if (const auto left = leave_with_the_last_team(change, team, *account); !left) return left.error();
  }
  return {};
}

Result<std::vector<Team>> Teams::of_account(std::int64_t account_id) const {
  const auto rows = directory_.read_rows(
      fmt::format("SELECT {} FROM {} WHERE t.id IN (SELECT team_id FROM team_members WHERE account_id = ?) "
                  "ORDER BY o.name, t.name",
                  kTeamColumns, kTeams),
      {account_id});
  if (!rows) return rows.error();
  std::vector<Team> teams;
  for (const db::Row& row : *rows) teams.push_back(team_from(row));
  return teams;
}

Result<std::vector<TeamMember>> Teams::members(std::int64_t id, std::string_view after,
                                               std::size_t limit) const {
  const auto rows = directory_.read_rows(
      "SELECT a.id, a.name, a.display_name, "
      "MAX(CASE WHEN m.source = 'direct' THEN 1 ELSE 0 END), MAX(CASE WHEN m.source = 'sso' THEN 1 ELSE 0 "
      "END) "
      "FROM team_members m JOIN accounts a ON a.id = m.account_id WHERE m.team_id = ? AND a.name > ? "
      "GROUP BY a.id, a.name, a.display_name ORDER BY a.name LIMIT ?",
      {id, comparable_name(after), sql_limit(limit)});
  if (!rows) return rows.error();
  std::vector<TeamMember> members;
  for (const db::Row& row : *rows)
    members.push_back({.account_id = row.integer(0),
                       .account = row.text(1),
                       .display_name = row.text(2),
                       .direct = row.integer(3) != 0,
                       .from_directory = row.integer(4) != 0});
  return members;
}

Result<void> Teams::add_member(std::int64_t id, std::int64_t account_id, const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto team = read_team(change.session, id);
    if (!team) return team.error();
    const auto account = read_account(change.session, account_id);
    if (!account) return account.error();
    const auto role = read_member_role(change.session, team->organization_id, account_id);
    if (!role) return role.error();
    if (!*role) return no_member(account->name, *team);
    return put_team_member(change, *team, *account, Source::direct);
  });
}

Result<void> Teams::remove_member(std::int64_t id, std::int64_t account_id, const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto team = read_team(change.session, id);
    if (!team) return team.error();
    const auto account = read_account(change.session, account_id);
    if (!account) return account.error();
    const auto direct = is_in(change.session, id, account_id, Source::direct);
    if (!direct) return direct.error();
    if (*direct) {
      const auto gone = erase_team_member(change, *team, *account, Source::direct);
      if (!gone) return gone.error();
      return leave_with_the_last_team(change, *team, *account);
    }
    const auto by_directory = is_in(change.session, id, account_id, Source::sso);
    if (!by_directory) return by_directory.error();
    if (*by_directory)
      return Error{Errc::conflict,
                   fmt::format("a directory puts {} into {}; remove them from its group, or the mapping",
                               oci::quote(account->name), oci::quote(team->path()))};
    return not_in_team(account->name, *team);
  });
}

Result<void> set_directory_memberships(Change& change, const Account& account, std::int64_t provider_id,
                                       std::span<const std::int64_t> team_ids) {
  const auto mapped =
      ids(change.session, "SELECT DISTINCT team_id FROM group_mappings WHERE provider_id = ?", {provider_id});
  if (!mapped) return mapped.error();
  for (const std::int64_t id : team_ids)
    if (!contains(*mapped, id))
      return Error{Errc::invalid_argument,
                   fmt::format("no group of the log-in provider is mapped to team number {}", id)};
  const auto before = ids(change.session,
                          "SELECT team_id FROM team_members WHERE account_id = ? AND source = 'sso' AND "
                          "(team_id IN (SELECT team_id FROM group_mappings WHERE provider_id = ?) OR "
                          "team_id NOT IN (SELECT team_id FROM group_mappings)) ORDER BY team_id",
                          {account.id, provider_id});
  if (!before) return before.error();

  // In before out, so that a person who changes teams does not leave the organization on the way.
  for (const std::int64_t id : team_ids) {
    const auto team = read_team(change.session, id);
    if (!team) return team.error();
    if (const auto entered = enter_by_directory(change, *team, account); !entered) return entered.error();
  }
  for (const std::int64_t id : *before) {
    if (contains(team_ids, id)) continue;
    const auto team = read_team(change.session, id);
    if (!team) return team.error();
    if (const auto gone = erase_team_member(change, *team, account, Source::sso); !gone) return gone.error();
    if (const auto left = leave_with_the_last_team(change, *team, account); !left) return left.error();
  }
  return {};
}

Result<void> Teams::set_directory_memberships(std::int64_t account_id, std::int64_t provider_id,
                                              std::span<const std::int64_t> team_ids,
                                              const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto account = read_account(change.session, account_id);
    if (!account) return account.error();
    if (account->kind == AccountKind::robot)
      return Error{Errc::invalid_argument,
                   fmt::format("{} is a robot; members are people", oci::quote(account->name))};
    return identity::set_directory_memberships(change, *account, provider_id, team_ids);
  });
}

Result<void> Teams::end_directory_memberships(std::int64_t id, const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto team = read_team(change.session, id);
    if (!team) return team.error();
    return identity::end_directory_memberships(change, *team);
  });
}

}  // namespace bulkhead::identity

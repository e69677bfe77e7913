#include "identity/people/teams.h"

#include <fmt/format.h>

#include "identity/people/account_rows.h"
#include "identity/people/organization_rows.h"
#include "identity/people/paging.h"
#include "identity/people/team_rows.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

Result<std::string> parse_team_name(std::string_view text) { return parse_component(text, "a team's name"); }

Result<void> check_team_name_is_free(db::Session& session, const Organization& organization,
                                     const std::string& name) {
  const auto found =
      session.query("SELECT 1 FROM teams WHERE organization_id = ? AND name = ?", {organization.id, name});
  if (!found) return found.error();
  if (found->empty()) return {};
  return Error{Errc::conflict, fmt::format("{} has a team named {} already; choose another name",
                                           oci::quote(organization.name), oci::quote(name))};
}

Result<void> check_room(db::Session& session, const Organization& organization) {
  const auto rows = session.query("SELECT COUNT(*) FROM teams WHERE organization_id = ?", {organization.id});
  if (!rows) return rows.error();
  if (rows->front().integer(0) < Teams::kMost) return {};
  return Error{Errc::conflict, fmt::format("{} has {} teams, the most there may be; delete some first",
                                           oci::quote(organization.name), Teams::kMost)};
}

// The levels from the team down to the lowest below it.
Result<std::int64_t> height(db::Session& session, std::int64_t team_id) {
  const auto rows = session.query(
      "WITH RECURSIVE below (id, level) AS (SELECT id, CAST(1 AS BIGINT) FROM teams WHERE id = ? UNION ALL "
      "SELECT t.id, b.level + 1 FROM teams t JOIN below b ON t.parent_id = b.id WHERE b.level <= ?) "
      "SELECT COALESCE(MAX(level), 0) FROM below",
      {team_id, Teams::kDeepest});
  if (!rows) return rows.error();
  return rows->front().integer(0);
}

Error too_deep() {
  return {Errc::invalid_argument,
          fmt::format("teams stand at most {} deep; put it under a team nearer to the top", Teams::kDeepest)};
}

// Whether a team, 0 for one that is yet to be made, of so many levels may stand below the parent.
Result<Team> check_parent(db::Session& session, std::int64_t team_id, std::int64_t organization_id,
                          std::int64_t parent_id, std::int64_t levels) {
  auto parent = read_team(session, parent_id);
  if (!parent) return parent.error();
  if (parent->organization_id != organization_id)
    return Error{Errc::invalid_argument,
                 fmt::format("{} is a team of another organization", oci::quote(parent->path()))};
  std::optional<std::int64_t> above = parent_id;
  while (above) {
    if (*above == team_id)
      return Error{Errc::invalid_argument,
                   fmt::format("{} is the team itself or below it; a team cannot have what it gives",
                               oci::quote(parent->path()))};
    if (++levels > Teams::kDeepest) return too_deep();
    const auto next = read_team(session, *above);
    if (!next) return next.error();
    above = next->parent_id;
  }
  return parent;
}

db::Value nullable(std::optional<std::int64_t> id) { return id ? db::Value(*id) : db::Value(); }

}  // namespace

Team team_from(const db::Row& row) {
  return {.id = row.integer(0),
          .organization_id = row.integer(1),
          .organization = row.text(2),
          .name = row.text(3),
          .parent_id = row.is_null(4) ? std::nullopt : std::optional(row.integer(4)),
          .created_at = from_micros(row.integer(5))};
}

Error no_team(std::int64_t id) { return {Errc::not_found, fmt::format("there is no team number {}", id)}; }

Result<Team> read_team(db::Session& session, std::int64_t id) {
  const auto rows =
      session.query(fmt::format("SELECT {} FROM {} WHERE t.id = ?", kTeamColumns, kTeams), {id});
  if (!rows) return rows.error();
  if (rows->empty()) return no_team(id);
  return team_from(rows->front());
}

Result<Team> Teams::create(std::int64_t organization_id, std::string_view name,
                           std::optional<std::int64_t> parent_id, const audit::Origin& origin) {
  const auto parsed = parse_team_name(name);
  if (!parsed) return parsed.error();
  Team team;
  const auto done = directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto organization = read_organization(change.session, organization_id);
    if (!organization) return organization.error();
    if (const auto free = check_team_name_is_free(change.session, *organization, *parsed); !free)
      return free.error();
    if (const auto room = check_room(change.session, *organization); !room) return room.error();
    std::string detail;
    if (parent_id) {
      const auto parent = check_parent(change.session, 0, organization_id, *parent_id, 1);
      if (!parent) return parent.error();
      detail = fmt::format(R"({{"parent":"{}"}})", parent->name);
    }
    const auto rows = change.session.query(
        "INSERT INTO teams (organization_id, parent_id, name, created_at) VALUES (?, ?, ?, ?) RETURNING id",
        {organization_id, nullable(parent_id), *parsed, to_micros(change.now)});
    if (!rows) return rows.error();
    team = {.id = rows->at(0).integer(0),
            .organization_id = organization_id,
            .organization = organization->name,
            .name = *parsed,
            .parent_id = parent_id,
            .created_at = change.now};
    return change.record(audit::Action::team_created, team.path(), detail);
  });
  if (!done) return done.error();
  return team;
}

Result<Team> Teams::find(std::int64_t id) const {
  const auto row = directory_.read_row(fmt::format("SELECT {} FROM {} WHERE t.id = ?", kTeamColumns, kTeams),
                                       {id}, no_team(id));
  if (!row) return row.error();
  return team_from(*row);
}

Result<Team> Teams::find(std::int64_t organization_id, std::string_view name) const {
  const Error absent{Errc::not_found, fmt::format("there is no team named {}", oci::quote(name))};
  // Bytes that are no name are not sent to the database, which may refuse them in its own way.
  if (!parse_team_name(name)) return absent;
  const auto row = directory_.read_row(
      fmt::format("SELECT {} FROM {} WHERE t.organization_id = ? AND t.name = ?", kTeamColumns, kTeams),
      {organization_id, std::string(name)}, absent);
  if (!row) return row.error();
  return team_from(*row);
}

Result<std::vector<Team>> Teams::list(std::int64_t organization_id, std::string_view after,
                                      std::size_t limit) const {
  const auto rows = directory_.read_rows(
      fmt::format("SELECT {} FROM {} WHERE t.organization_id = ? AND t.name > ? ORDER BY t.name LIMIT ?",
                  kTeamColumns, kTeams),
      {organization_id, comparable_name(after), sql_limit(limit)});
  if (!rows) return rows.error();
  std::vector<Team> teams;
  for (const db::Row& row : *rows) teams.push_back(team_from(row));
  return teams;
}

Result<void> Teams::rename(std::int64_t id, std::string_view new_name, const audit::Origin& origin) {
  const auto name = parse_team_name(new_name);
  if (!name) return name.error();
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto team = read_team(change.session, id);
    if (!team) return team.error();
    if (team->name == *name) return {};
    const auto organization = read_organization(change.session, team->organization_id);
    if (!organization) return organization.error();
    if (const auto free = check_team_name_is_free(change.session, *organization, *name); !free)
      return free.error();
    const auto renamed = change.execute("UPDATE teams SET name = ? WHERE id = ?", {*name, id});
    if (!renamed) return renamed.error();
    return change.record(audit::Action::team_changed, team->path(), fmt::format(R"({{"name":"{}"}})", *name));
  });
}

Result<void> Teams::set_parent(std::int64_t id, std::optional<std::int64_t> parent_id,
                               const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto team = read_team(change.session, id);
    if (!team) return team.error();
    if (team->parent_id == parent_id) return {};
    std::string detail = R"({"parent":null})";
    if (parent_id) {
      const auto levels = height(change.session, id);
      if (!levels) return levels.error();
      const auto parent = check_parent(change.session, id, team->organization_id, *parent_id, *levels);
      if (!parent) return parent.error();
      detail = fmt::format(R"({{"parent":"{}"}})", parent->name);
    }
    const auto moved =
        change.execute("UPDATE teams SET parent_id = ? WHERE id = ?", {nullable(parent_id), id});
    if (!moved) return moved.error();
    return change.record(audit::Action::team_changed, team->path(), detail);
  });
}

Result<void> Teams::remove(std::int64_t id, const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto team = read_team(change.session, id);
    if (!team) return team.error();
    const auto below =
        change.session.query("SELECT name FROM teams WHERE parent_id = ? ORDER BY name LIMIT 1", {id});
    if (!below) return below.error();
    if (!below->empty())
      return Error{Errc::conflict,
                   fmt::format("{} has teams below it, such as {}; delete them or give them another parent",
                               oci::quote(team->path()), oci::quote(below->front().text(0)))};
    const auto ended = identity::end_directory_memberships(change, *team);
    if (!ended) return ended.error();
    const auto erased = change.execute_each(
        {"UPDATE invitations SET team_id = NULL WHERE team_id = ?",
         "DELETE FROM team_members WHERE team_id = ?", "DELETE FROM team_namespace_grants WHERE team_id = ?",
         "DELETE FROM team_repository_grants WHERE team_id = ?",
         "DELETE FROM group_mappings WHERE team_id = ?", "DELETE FROM teams WHERE id = ?"},
        id);
    if (!erased) return erased.error();
    return change.record(audit::Action::team_deleted, team->path());
  });
}

}  // namespace bulkhead::identity

// What belongs to a transaction that changes a team. Internal to identity/.
#pragma once

#include <string_view>

#include "identity/people/member_rows.h"
#include "identity/people/teams.h"

namespace bulkhead::identity {

// The columns that team_from() reads, from the tables teams and organizations under the names `t` and `o`;
// callers append what they need after them.
inline constexpr std::string_view kTeamColumns =
    "t.id, t.organization_id, o.name, t.name, t.parent_id, t.created_at";
inline constexpr std::size_t kTeamColumnCount = 6;
inline constexpr std::string_view kTeams = "teams t JOIN organizations o ON o.id = t.organization_id";

Team team_from(const db::Row& row);
Error no_team(std::int64_t id);
Result<Team> read_team(db::Session& session, std::int64_t id);

// With the event, when it is a change. Whether the account is in the organization is the caller's to know.
Result<void> put_team_member(Change& change, const Team& team, const Account& account, Source source);
// As Teams::set_directory_memberships(); the account is a person's.
Result<void> set_directory_memberships(Change& change, const Account& account, std::int64_t provider_id,
                                       std::span<const std::int64_t> team_ids);
// With the organization memberships that stood on them, and the events.
Result<void> end_directory_memberships(Change& change, const Team& team);

}  // namespace bulkhead::identity

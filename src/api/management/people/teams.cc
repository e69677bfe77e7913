// /organizations/{organization}/teams: teams and who is in them.
#include "identity/people/teams.h"
#include "api/management/operation.h"
#include "api/management/people/organizations.h"
#include "api/management/vocabulary.h"
#include "base/percent.h"
#include "identity/people/accounts.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::Team;
using identity::TeamMember;

constexpr Schema kParent = nullable(text(1, 255));
constexpr Field kTeamFields[] = {
    {"organization", &kAnyName, "", kRequired},
    {"name", &kAnyName, "", kRequired},
    {"parent", &kParent, "The team that it has all from; null for none", kRequired},
    {"created_at", &kTime, "", kRequired},
};
constexpr Schema kTeam = object("Team", kTeamFields);

constexpr Field kNewFields[] = {
    {"name", &kGivenName, "", kRequired},
    {"parent", &kParent, "A team of the organization, which it has all from"},
};
constexpr Schema kNew = object("NewTeam", kNewFields);
constexpr Field kChangeFields[] = {
    {"name", &kGivenName, "The new name"},
    {"parent", &kParent, "null for none"},
};
constexpr Schema kChange = object("TeamChange", kChangeFields);

constexpr Field kTeamMemberFields[] = {
    {"account", &kAnyName, "", kRequired},
    {"display_name", &kDisplayName, "", kRequired},
    {"direct", &kFlag, "Somebody put them there", kRequired},
    {"from_directory", &kFlag, "Single sign-on says so", kRequired},
};
constexpr Schema kTeamMember = object("TeamMember", kTeamMemberFields);

Result<Team> team_of(const Call& call) {
  return call.services.teams.find(call.organization->id, call.path("team"));
}

Result<json::object> represent_team(const Call& call, const Team& team) {
  json::object out{{"organization", team.organization},
                   {"name", team.name},
                   {"parent", nullptr},
                   {"created_at", to_rfc3339(team.created_at)}};
  if (!team.parent_id) return out;
  const auto parent = call.services.teams.find(*team.parent_id);
  if (!parent) return parent.error();
  out["parent"] = parent->name;
  return out;
}

Result<Reply> reply_with(const Call& call, const Team& team) {
  auto body = represent_team(call, team);
  if (!body) return body.error();
  Reply reply(*std::move(body));
  reply.location = organization_path(team.organization) + "/teams/" + percent_encode(team.name);
  return reply;
}

Result<Reply> list_teams(Call& call) {
  const auto teams = call.services.teams.list(call.organization->id, call.after, call.limit + 1);
  if (!teams) return teams.error();
  std::vector<json::object> items;
  for (const Team& team : *teams) {
    auto item = represent_team(call, team);
    if (!item) return item.error();
    items.push_back(*std::move(item));
  }
  return page_of(
      call, items, [](const json::object& item) { return item; },
      [](const json::object& item) { return std::string(item.at("name").as_string()); });
}

// The body's parent: nothing for null.
Result<std::optional<std::int64_t>> parent_of(const Call& call) {
  const auto name = call.text("parent");
  if (!name) return std::optional<std::int64_t>();
  const auto parent = call.services.teams.find(call.organization->id, *name);
  if (!parent) return parent.error();
  return std::optional(parent->id);
}

Result<Reply> create_team(Call& call) {
  const auto parent = parent_of(call);
  if (!parent) return parent.error();
  const auto team =
      call.services.teams.create(call.organization->id, *call.text("name"), *parent, call.origin);
  if (!team) return team.error();
  return reply_with(call, *team);
}

Result<Reply> get_team(Call& call) {
  const auto team = team_of(call);
  if (!team) return team.error();
  auto body = represent_team(call, *team);
  if (!body) return body.error();
  return Reply(*std::move(body));
}

Result<Reply> change_team(Call& call) {
  if (call.body.size() != 1)
    return Error{Errc::invalid_argument, "change the name or the parent, one at a time"};
  const auto team = team_of(call);
  if (!team) return team.error();
  if (const auto name = call.text("name")) {
    if (auto renamed = call.services.teams.rename(team->id, *name, call.origin); !renamed)
      return renamed.error();
  } else {
    const auto parent = parent_of(call);
    if (!parent) return parent.error();
    if (auto set = call.services.teams.set_parent(team->id, *parent, call.origin); !set) return set.error();
  }
  const auto current = call.services.teams.find(team->id);
  if (!current) return current.error();
  return reply_with(call, *current);
}

Result<Reply> delete_team(Call& call) {
  const auto team = team_of(call);
  if (!team) return team.error();
  if (auto removed = call.services.teams.remove(team->id, call.origin); !removed) return removed.error();
  return Reply();
}

Result<Reply> list_team_members(Call& call) {
  const auto team = team_of(call);
  if (!team) return team.error();
  const auto members = call.services.teams.members(team->id, call.after, call.limit + 1);
  if (!members) return members.error();
  return page_of(
      call, *members,
      [](const TeamMember& member) {
        return json::object{{"account", member.account},
                            {"display_name", member.display_name},
                            {"direct", member.direct},
                            {"from_directory", member.from_directory}};
      },
      [](const TeamMember& member) { return member.account; });
}

using Membership = Result<void> (identity::Teams::*)(std::int64_t, std::int64_t, const audit::Origin&);

using Otherwise = Error (*)(std::string_view, const Team&);
Result<Reply> change_membership(Call& call, Membership change, Otherwise otherwise) {
  const auto team = team_of(call);
  if (!team) return team.error();
  // Who is not there is told like who is no member.
  const std::string& name = call.path("member");
  const auto account = call.services.accounts.find(name);
  if (!account && account.error().code != Errc::not_found) return account.error();
  if (!account) return otherwise(name, *team);
  if (auto done = (call.services.teams.*change)(team->id, account->id, call.origin); !done)
    return done.error();
  return Reply();
}

Result<Reply> add_team_member(Call& call) {
  return change_membership(call, &identity::Teams::add_member, identity::no_member);
}
Result<Reply> remove_team_member(Call& call) {
  return change_membership(call, &identity::Teams::remove_member, identity::not_in_team);
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/organizations/{organization}/teams",
     .id = "listTeams",
     .tag = "teams",
     .summary = "An organization's teams, by name",
     .permission = kMember || SystemAction::read_directory,
     .response = &PageOf<kTeam>::kPage,
     .paged = true,
     .handler = list_teams},
    {.method = http::Method::post,
     .path = "/organizations/{organization}/teams",
     .id = "createTeam",
     .tag = "teams",
     .summary = "Make a team",
     .permission = kOrganizationOwner,
     .request = &kNew,
     .status = 201,
     .response = &kTeam,
     .creates = true,
     .handler = create_team},
    {.method = http::Method::get,
     .path = "/organizations/{organization}/teams/{team}",
     .id = "getTeam",
     .tag = "teams",
     .summary = "One team",
     .permission = kMember || SystemAction::read_directory,
     .response = &kTeam,
     .handler = get_team},
    {.method = http::Method::patch,
     .path = "/organizations/{organization}/teams/{team}",
     .id = "changeTeam",
     .tag = "teams",
     .summary = "Give a team another name or parent, one at a time",
     .permission = kOrganizationOwner,
     .request = &kChange,
     .response = &kTeam,
     .if_match = IfMatch::required,
     .handler = change_team},
    {.method = http::Method::delete_,
     .path = "/organizations/{organization}/teams/{team}",
     .id = "deleteTeam",
     .tag = "teams",
     .summary = "Delete a team that has no team below it, with its grants",
     .permission = kOrganizationOwner,
     .status = 204,
     .if_match = IfMatch::optional,
     .handler = delete_team},
    {.method = http::Method::get,
     .path = "/organizations/{organization}/teams/{team}/members",
     .id = "listTeamMembers",
     .tag = "teams",
     .summary = "Who is in a team, by name",
     .permission = kMember || SystemAction::read_directory,
     .response = &PageOf<kTeamMember>::kPage,
     .paged = true,
     .handler = list_team_members},
    {.method = http::Method::put,
     .path = "/organizations/{organization}/teams/{team}/members/{member}",
     .id = "addTeamMember",
     .tag = "teams",
     .summary = "Put a member of the organization into a team",
     .permission = kOrganizationOwner,
     .status = 204,
     .handler = add_team_member},
    {.method = http::Method::delete_,
     .path = "/organizations/{organization}/teams/{team}/members/{member}",
     .id = "removeTeamMember",
     .tag = "teams",
     .summary = "Take somebody out of a team",
     .permission = kOrganizationOwner,
     .status = 204,
     .handler = remove_team_member},
};

}  // namespace

std::span<const Operation> team_operations() { return kOperations; }

}  // namespace bulkhead::api::management

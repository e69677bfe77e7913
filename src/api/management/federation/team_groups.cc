// /organizations/{organization}/teams/{team}/groups: which groups of which log-in providers lead into a team.
// A directory's people come into an organization by them unasked, and are seen there. So administrators, who
// answer for the directory, let a group in, and the organization's owners put it out again.
#include "api/management/operation.h"
#include "api/management/vocabulary.h"
#include "identity/federation/login_providers.h"
#include "identity/people/teams.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;

constexpr Schema kGroupName = text(1, 512);
constexpr Field kGroupFields[] = {
    {"provider", &kAnyName, "The log-in provider", kRequired},
    {"group", &kGroupName, "As the provider names it", kRequired},
};
constexpr Schema kTeamGroup = object("TeamGroup", kGroupFields);
constexpr Schema kGroups = list(kTeamGroup, 32'000);
constexpr Field kListFields[] = {{"items", &kGroups, "By provider, then group", kRequired}};
constexpr Schema kList = object("", kListFields);

Result<identity::Team> team_of(const Call& call) {
  return call.services.teams.find(call.organization->id, call.path("team"));
}

Result<Reply> list_groups(Call& call) {
  const auto team = team_of(call);
  if (!team) return team.error();
  const auto mappings = call.services.login_providers.mappings_of_team(team->id);
  if (!mappings) return mappings.error();
  json::array items;
  for (const identity::GroupMapping& mapping : *mappings)
    items.push_back(json::object{{"provider", mapping.provider}, {"group", mapping.group}});
  return Reply(json::object{{"items", std::move(items)}});
}

using Change = Result<void> (identity::LoginProviders::*)(std::int64_t, std::string_view, std::int64_t,
                                                          const audit::Origin&);

Result<Reply> change_mapping(Call& call, Change change) {
  const auto team = team_of(call);
  if (!team) return team.error();
  auto& providers = call.services.login_providers;
  const auto provider = providers.find(call.path("provider"));
  if (!provider) return provider.error();
  if (auto done = (providers.*change)(provider->id, call.path("group"), team->id, call.origin); !done)
    return done.error();
  return Reply();
}

Result<Reply> add_mapping(Call& call) { return change_mapping(call, &identity::LoginProviders::add_mapping); }
Result<Reply> remove_mapping(Call& call) {
  return change_mapping(call, &identity::LoginProviders::remove_mapping);
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/organizations/{organization}/teams/{team}/groups",
     .id = "listTeamGroups",
     .tag = "sign-on",
     .summary = "Which groups of which log-in providers lead into a team",
     .permission = kMember || SystemAction::read_directory,
     .response = &kList,
     .handler = list_groups},
    {.method = http::Method::put,
     .path = "/organizations/{organization}/teams/{team}/groups/{provider}/{group}",
     .id = "addGroupMapping",
     .tag = "sign-on",
     .summary = "Let a log-in provider's group lead into a team",
     .permission = kSeenByMembers || SystemAction::manage_providers,
     .status = 204,
     .proof = true,
     .handler = add_mapping},
    {.method = http::Method::delete_,
     .path = "/organizations/{organization}/teams/{team}/groups/{provider}/{group}",
     .id = "removeGroupMapping",
     .tag = "sign-on",
     .summary = "Let a group lead into a team no more",
     .permission = kOrganizationOwner || SystemAction::manage_providers,
     .status = 204,
     .handler = remove_mapping},
};

}  // namespace

std::span<const Operation> team_group_operations() { return kOperations; }

}  // namespace bulkhead::api::management

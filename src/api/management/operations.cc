#include <algorithm>

#include "api/management/operation.h"

namespace bulkhead::api::management {
namespace {

constexpr Schema kAccountName = text(1, 160, kNameCharacters);
constexpr Schema kRepositoryName = text(1, 255, kNameCharacters);
constexpr Schema kNamespaceName = text(1, 255, kNameCharacters);
constexpr Schema kSubjectName = text(1, 255, kVisible);
constexpr Schema kGroup = text(1, 512);
constexpr Schema kUploadId = text(1, 64, kVisible);
constexpr Schema kNumber = integer(1, INT64_MAX);

constexpr Field kPathParameters[] = {
    {"user", &kAccountName, "An account's name"},
    {"repository", &kRepositoryName, "A repository's name, its slashes written %2F"},
    {"namespace", &kNamespaceName, "A namespace's name; %2F for the installation's own"},
    {"upload", &kUploadId, "An upload's id"},
    {"subject", &kSubjectName, "An account's name, or team:ORGANIZATION/TEAM with the slash written %2F"},
    {"organization", &kAccountName, "An organization's name"},
    {"member", &kAccountName, "An account's name"},
    {"team", &kAccountName, "A team's name"},
    {"robot", &kAccountName, "A robot's name, OWNER+NAME"},
    {"session", &kNumber, "A session's number"},
    {"token", &kNumber, "An access token's number"},
    {"credential", &kNumber, "A security key's number"},
    {"trust", &kNumber, "A trust's number"},
    {"invitation", &kNumber, "An invitation's number"},
    {"provider", &kAccountName, "A log-in provider's name"},
    {"group", &kGroup, "A group, as the provider names it"},
};

}  // namespace

const Field* path_parameter(std::string_view name) {
  const auto* found = std::ranges::find(kPathParameters, name, &Field::name);
  return found == std::end(kPathParameters) ? nullptr : found;
}

std::vector<const Operation*> all_operations() {
  std::vector<const Operation*> out;
  for (const auto operations :
       {document_operations(),     server_operations(),         setup_operations(),
        session_operations(),      user_session_operations(),   device_login_operations(),
        user_operations(),         token_operations(),          policy_operations(),
        leak_operations(),         repository_operations(),     upload_operations(),
        tag_operations(),          grant_operations(),          namespace_operations(),
        organization_operations(), member_operations(),         team_operations(),
        robot_operations(),        invitation_operations(),     factor_operations(),
        workload_operations(),     login_provider_operations(), provider_trial_operations(),
        team_group_operations(),   identity_operations()})
    for (const Operation& operation : operations) out.push_back(&operation);
  return out;
}

}  // namespace bulkhead::api::management

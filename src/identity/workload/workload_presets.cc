// GitHub: "OpenID Connect reference"; GitLab: "OpenID Connect (OIDC) Authentication Using ID Tokens";
// Kubernetes: "Managing Service Accounts", "Schema for service account private claims".
#include "identity/workload/workload_presets.h"

#include <algorithm>
#include <array>

namespace bulkhead::identity {
namespace {

using Names = std::string_view;

constexpr std::array kGitHubIds = {Names("repository_id"), Names("repository_owner_id"),
                                   Names("enterprise_id")};
constexpr std::array kGitHubClaims = {Names("sub"),
                                      Names("repository"),
                                      Names("repository_owner"),
                                      Names("repository_visibility"),
                                      Names("ref"),
                                      Names("ref_type"),
                                      Names("ref_protected"),
                                      Names("base_ref"),
                                      Names("head_ref"),
                                      Names("event_name"),
                                      Names("environment"),
                                      Names("environment_node_id"),
                                      Names("workflow"),
                                      Names("workflow_ref"),
                                      Names("workflow_sha"),
                                      Names("job_workflow_ref"),
                                      Names("job_workflow_sha"),
                                      Names("runner_environment"),
                                      Names("actor"),
                                      Names("actor_id"),
                                      Names("enterprise"),
                                      Names("sha")};

constexpr std::array kGitLabIds = {Names("project_id"), Names("namespace_id")};
constexpr std::array kGitLabClaims = {Names("sub"),
                                      Names("project_path"),
                                      Names("namespace_path"),
                                      Names("ref"),
                                      Names("ref_type"),
                                      Names("ref_path"),
                                      Names("ref_protected"),
                                      Names("environment"),
                                      Names("environment_protected"),
                                      Names("deployment_tier"),
                                      Names("pipeline_source"),
                                      Names("runner_id"),
                                      Names("runner_environment"),
                                      Names("ci_config_ref_uri"),
                                      Names("ci_config_sha"),
                                      Names("project_visibility"),
                                      Names("user_id"),
                                      Names("user_login"),
                                      Names("user_access_level"),
                                      Names("sha")};

constexpr std::array kKubernetesIds = {Names("/kubernetes.io/serviceaccount/uid")};
constexpr std::array kKubernetesClaims = {
    Names("sub"), Names("/kubernetes.io/namespace"), Names("/kubernetes.io/serviceaccount/name"),
    Names("/kubernetes.io/pod/name"), Names("/kubernetes.io/node/name")};

constexpr std::array kPresets = {
    WorkloadPreset{"github", "https://token.actions.githubusercontent.com", kGitHubIds, kGitHubClaims},
    WorkloadPreset{"gitlab", "https://gitlab.com", kGitLabIds, kGitLabClaims},
    WorkloadPreset{"kubernetes", "", kKubernetesIds, kKubernetesClaims},
};

template <class F>
const WorkloadPreset* find_if(const F& suits) {
  const auto* found = std::find_if(kPresets.begin(), kPresets.end(), suits);
  return found == kPresets.end() ? nullptr : found;
}

}  // namespace

std::span<const WorkloadPreset> workload_presets() { return kPresets; }

const WorkloadPreset* find_preset(std::string_view name) {
  return find_if([&](const WorkloadPreset& preset) { return preset.name == name; });
}

const WorkloadPreset* preset_of_issuer(std::string_view issuer) {
  return find_if([&](const WorkloadPreset& preset) { return !issuer.empty() && preset.issuer == issuer; });
}

bool is_immutable_claim(std::string_view claim) {
  return find_if([&](const WorkloadPreset& preset) {
           return std::find(preset.immutable.begin(), preset.immutable.end(), claim) !=
                  preset.immutable.end();
         }) != nullptr;
}

}  // namespace bulkhead::identity

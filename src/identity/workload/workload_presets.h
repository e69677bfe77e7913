// What is known of the issuers that most workloads come from: what their claims are called, and which of them
// never come to mean somebody else.
#pragma once

#include <span>
#include <string_view>

namespace bulkhead::identity {

struct WorkloadPreset {
  std::string_view name;    // "github", "gitlab", "kubernetes"
  std::string_view issuer;  // the public one, which runs everybody's jobs; "" where there is none
  // Ids of a project, its owner or a service account that are never used again, unlike their names.
  std::span<const std::string_view> immutable;
  // The others that a rule may be made of.
  std::span<const std::string_view> claims;
};

std::span<const WorkloadPreset> workload_presets();
const WorkloadPreset* find_preset(std::string_view name);  // null for an unknown one
const WorkloadPreset* preset_of_issuer(
    std::string_view issuer);  // the one whose public issuer it is, or null
// Whether any preset counts the claim among the immutable ones.
bool is_immutable_claim(std::string_view claim);

}  // namespace bulkhead::identity

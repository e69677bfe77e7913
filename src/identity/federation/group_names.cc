#include "identity/federation/group_names.h"

#include <variant>

#include "ldap/names.h"

namespace bulkhead::identity {

std::string comparable_group(const LoginProvider& provider, std::string_view group) {
  const auto* directory = std::get_if<ldap::Settings>(&provider.settings);
  return directory == nullptr ? std::string(group) : ldap::comparable_group(*directory, group);
}

GroupNames::GroupNames(const LoginProvider& provider, const std::vector<std::string>& groups)
    : provider_(provider) {
  for (const std::string& group : groups) names_.insert(comparable_group(provider, group));
}

bool GroupNames::contains(std::string_view group) const {
  return !names_.empty() && names_.contains(comparable_group(provider_, group));
}

}  // namespace bulkhead::identity

// How the names of groups are compared: an OpenID provider's byte by byte, a directory's as directories do
// (ldap/names.h).
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "identity/federation/login_provider.h"

namespace bulkhead::identity {

// One form of all spellings of a group of the provider's, for comparing alone.
std::string comparable_group(const LoginProvider& provider, std::string_view group);

// The groups of one person.
class GroupNames {
 public:
  GroupNames(const LoginProvider& provider, const std::vector<std::string>& groups);

  bool contains(std::string_view group) const;

 private:
  const LoginProvider& provider_;  // outlives this
  std::set<std::string, std::less<>> names_;
};

}  // namespace bulkhead::identity

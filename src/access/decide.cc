#include "access/decide.h"

#include <fmt/format.h>

#include <array>

#include "oci/quote.h"

namespace bulkhead::access {
namespace {

constexpr std::size_t kRoles = 5;
constexpr std::size_t kActions = 3;

// What a role may do in a repository that exists. What holds for some tags only is the registry's to say:
// immutable ones are held fast for every role, protected ones are moved by maintainers and owners alone.
constexpr std::array<std::array<bool, kActions>, kRoles> kAllowed = {{
    // pull   push   delete
    {{false, false, false}},  // none
    {{true, false, false}},   // reader
    {{true, true, false}},    // writer
    {{true, true, true}},     // maintainer
    {{true, true, true}},     // owner
}};

constexpr std::array<std::string_view, kRoles> kRoleNames = {"none", "reader", "writer", "maintainer",
                                                             "owner"};
constexpr std::array<std::string_view, kActions> kActionNames = {"pull", "push", "delete"};

constexpr bool allowed(Role role, Action action) {
  return kAllowed[static_cast<std::size_t>(role)][static_cast<std::size_t>(action)];
}

}  // namespace

std::string_view name(Role role) { return kRoleNames[static_cast<std::size_t>(role)]; }

Result<Role> parse_role(std::string_view text) {
  for (const Role role : {Role::reader, Role::writer, Role::maintainer})
    if (text == name(role)) return role;
  return Error{Errc::invalid_argument,
               fmt::format("{} is no role; it is one of reader, writer and maintainer", oci::quote(text))};
}

std::string_view name(Action action) { return kActionNames[static_cast<std::size_t>(action)]; }

// Being administrator has no place here: whoever runs the installation owns its own namespace (facts.h gives
// the role there) and nothing else. Running a registry is not a reason to read what other teams keep in it,
// and a stolen administrator's token must not be a key to every private repository. An administrator who
// needs access grants it to an account, which is a change with an event that the owner sees.
bool decide(const Principal& principal, Action action, const Standing& standing) {
  const Role role = principal.anonymous() ? Role::none : standing.role;
  if (allowed(role, action)) return true;
  return standing.exists && action == Action::pull && standing.visibility == Visibility::public_ &&
         (!principal.anonymous() || standing.anonymous_pull);
}

}  // namespace bulkhead::access

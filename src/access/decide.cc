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

constexpr identity::TokenAction token_action(Action action) {
  switch (action) {
    case Action::pull: return identity::TokenAction::pull;
    case Action::push: return identity::TokenAction::push;
    case Action::remove: return identity::TokenAction::remove;
  }
  return identity::TokenAction::remove;
}

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
  const bool as_account = !principal.anonymous() &&
                          within_ceiling(principal, action, standing.namespace_id, standing.repository_id);
  if (as_account && allowed(standing.role, action)) return true;
  return standing.exists && action == Action::pull && standing.visibility == Visibility::public_ &&
         (as_account || standing.anonymous_pull);
}

std::string_view why_denied(const Principal& principal, Action action, const Standing& standing) {
  if (decide(principal, action, standing)) return {};
  if (!standing.lacking.empty()) return why::kPolicy;
  return allowed(standing.role, action) ? why::kToken : why::kRole;
}

bool within_ceiling(const Principal& principal, Action action, std::int64_t namespace_id,
                    std::int64_t repository_id) {
  // A token whose scopes are not at hand allows nothing.
  if (principal.ceiling == nullptr) return principal.token_id == 0;
  return principal.ceiling->allow(token_action(action), namespace_id, repository_id);
}

}  // namespace bulkhead::access

#include "api/management/robot_managers.h"
#include "access/facts.h"
#include "identity/people/members.h"
#include "identity/people/robots.h"

namespace bulkhead::api::management {

Result<bool> manages_robot(const Call& call, std::int64_t robot_id) {
  const access::Principal& principal = call.caller.principal;
  const auto robot = call.services.robots.find(robot_id);
  if (!robot) return robot.error();
  if (robot->organization_id) {
    const auto role = call.services.members.role(*robot->organization_id, principal.account_id);
    if (!role) return role.error();
    return *role == identity::MemberRole::owner;
  }
  const auto name = oci::RepositoryName::parse(robot->belongs_to);
  if (!name) return name.error();
  const auto resolved = call.services.facts.resolve(principal, *name);
  if (!resolved) return resolved.error();
  const access::Standing& standing = resolved->standing;
  return standing.role == access::Role::owner &&
         access::within_ceiling(principal, access::Action::remove, standing.namespace_id,
                                standing.repository_id);
}

}  // namespace bulkhead::api::management

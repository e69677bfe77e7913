#include "api/management/robot_managers.h"
#include "access/facts.h"
#include "identity/login/policies.h"
#include "identity/people/members.h"
#include "identity/people/organizations.h"
#include "identity/people/robots.h"

namespace bulkhead::api::management {

Result<bool> manages_robot(const Call& call, std::int64_t robot_id) {
  const access::Principal& principal = call.caller.principal;
  const auto robot = call.services.robots.find(robot_id);
  if (!robot) return robot.error();
  if (robot->organization_id) {
    const auto role = call.services.members.role(*robot->organization_id, principal.account_id);
    if (!role) return role.error();
    if (*role != identity::MemberRole::owner) return false;
    const auto organization = call.services.organizations.find(*robot->organization_id);
    if (!organization) return organization.error();
    if (!access::within_ceiling(principal, access::Action::remove, organization->namespace_id, 0))
      return false;
    const auto policy = call.services.policies.of_organization(organization->id);
    if (!policy) return policy.error();
    return (*policy)->lacking(principal.proof, principal.address).empty();
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

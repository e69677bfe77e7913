#include "api/management/permission.h"

#include <fmt/format.h>

#include "access/facts.h"

namespace bulkhead::api::management {
namespace {

using identity::SystemRole;

// Administrators may do what security officers may, and those what auditors may.
bool has_system_role(const ManagementCaller& caller, SystemRole least) {
  return static_cast<int>(caller.system_role) >= static_cast<int>(least);
}

Error denied(const Call& call, std::string_view needed) {
  return {Errc::denied,
          fmt::format("{} may not do this: it takes {}", call.caller.principal.account, needed)};
}

// What is not named in the path is no secret: who calls it may know that it is there.
Result<void> with_system_role(const Call& call, SystemRole least, std::string_view needed) {
  if (has_system_role(call.caller, least)) return {};
  if (!call.path_values.empty()) return not_visible();
  return denied(call, needed);
}

bool is_self(const Call& call) {
  return !call.caller.principal.anonymous() && call.path("user") == call.caller.principal.account;
}

Result<void> on_repository(Call& call, access::Role least) {
  const auto name = oci::RepositoryName::parse(call.path("repository"));
  if (!name) return name.error();
  auto resolved = call.services.facts.resolve(call.caller.principal, *name);
  if (!resolved) return resolved.error();
  const access::Standing& standing = resolved->standing;
  const bool administrator = has_system_role(call.caller, SystemRole::administrator);
  const bool reads = administrator || access::decide(call.caller.principal, access::Action::pull, standing);
  if (!reads) return not_visible();
  if (!resolved->repository)
    return Error{Errc::name_unknown, fmt::format("there is no repository {}", name->render())};
  call.repository = resolved->repository;
  if (administrator || least <= access::Role::reader || standing.role >= least) return {};
  return denied(call, fmt::format("the role {} in {}", access::name(least), name->render()));
}

}  // namespace

Error not_visible() {
  return {Errc::not_found, "there is nothing at this address, or it is not yours to see"};
}

std::string_view name(Permission permission) {
  switch (permission) {
    case Permission::anyone: return "anyone";
    case Permission::account: return "account";
    case Permission::self: return "self";
    case Permission::self_or_auditor: return "self_or_auditor";
    case Permission::self_or_officer: return "self_or_security_officer";
    case Permission::self_or_administrator: return "self_or_administrator";
    case Permission::auditor: return "auditor";
    case Permission::officer: return "security_officer";
    case Permission::administrator: return "administrator";
    case Permission::repository_reader: return "repository_reader";
    case Permission::repository_maintainer: return "repository_maintainer";
    case Permission::repository_owner: return "repository_owner";
  }
  return "";
}

Result<void> permit(const Operation& operation, Call& call) {
  switch (operation.permission) {
    case Permission::anyone: return {};
    case Permission::account: return {};
    case Permission::self:
      if (is_self(call)) return {};
      return not_visible();
    case Permission::self_or_auditor:
      if (is_self(call)) return {};
      return with_system_role(call, SystemRole::auditor, "an auditor");
    case Permission::self_or_officer:
      if (is_self(call)) return {};
      return with_system_role(call, SystemRole::security_officer, "a security officer");
    case Permission::self_or_administrator:
      if (is_self(call)) return {};
      return with_system_role(call, SystemRole::administrator, "an administrator");
    case Permission::auditor: return with_system_role(call, SystemRole::auditor, "an auditor");
    case Permission::officer:
      return with_system_role(call, SystemRole::security_officer, "a security officer");
    case Permission::administrator:
      return with_system_role(call, SystemRole::administrator, "an administrator");
    case Permission::repository_reader: return on_repository(call, access::Role::reader);
    case Permission::repository_maintainer: return on_repository(call, access::Role::maintainer);
    case Permission::repository_owner: return on_repository(call, access::Role::owner);
  }
  return not_visible();
}

}  // namespace bulkhead::api::management

// /organizations: namespaces that people share.
#include "api/management/people/organizations.h"

#include <algorithm>

#include "api/management/operation.h"
#include "api/management/vocabulary.h"
#include "base/percent.h"
#include "identity/people/accounts.h"
#include "identity/people/members.h"
#include "identity/people/organizations.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::Organization;

constexpr Field kOrganizationFields[] = {
    {"name", &kAnyName, "Also the name of its namespace", kRequired},
    {"display_name", &kDisplayName, "", kRequired},
    {"member_role", &kMemberAccess, "What every member may do in its repositories, without any grant",
     kRequired},
    {"created_at", &kTime, "", kRequired},
};

constexpr Field kNewFields[] = {
    {"name", &kGivenName, "Also the name of its namespace", kRequired},
    {"display_name", &kDisplayName, ""},
    {"owner", &kGivenName, "Its first owner, an account; the caller when absent"},
};
constexpr Schema kNew = object("NewOrganization", kNewFields);

constexpr Field kChangeFields[] = {
    {"display_name", &kDisplayName, ""},
    {"member_role", &kMemberAccess, "What every member may do in its repositories, without any grant"},
};
constexpr Schema kChange = object("OrganizationChange", kChangeFields);

constexpr Field kRenameFields[] = {{"name", &kGivenName, "The new name", kRequired}};
constexpr Schema kRename = object("OrganizationRename", kRenameFields);

Result<std::vector<Organization>> own_organizations(const Call& call) {
  const auto memberships = call.services.members.of_account(call.caller.principal.account_id);
  if (!memberships) return memberships.error();
  std::vector<Organization> out;
  for (const identity::Membership& membership : *memberships)
    if (membership.organization.name > call.after && out.size() <= call.limit &&
        access::within_ceiling(call.caller.principal, access::Action::pull,
                               membership.organization.namespace_id, 0))
      out.push_back(membership.organization);
  return out;
}

Result<Reply> list_organizations(Call& call) {
  const auto found = call.may(SystemAction::read_directory)
                         ? call.services.organizations.list(call.after, call.limit + 1)
                         : own_organizations(call);
  if (!found) return found.error();
  return page_of(
      call, *found, [](const Organization& each) { return represent(each); },
      [](const Organization& each) { return each.name; });
}

Result<Reply> created_reply(const Organization& organization) {
  Reply reply(represent(organization));
  reply.location = organization_path(organization.name);
  return reply;
}

Result<Reply> create_organization(Call& call) {
  std::int64_t owner = call.caller.principal.account_id;
  if (const auto name = call.text("owner")) {
    const auto account = call.services.accounts.find(*name);
    if (!account) return account.error();
    owner = account->id;
  }
  if (owner == 0) return Error{Errc::invalid_argument, "name the account that is to be the first owner"};
  const auto created = call.services.organizations.create(
      *call.text("name"), call.text("display_name").value_or(""), owner, call.origin);
  if (!created) return created.error();
  return created_reply(*created);
}

Result<Reply> get_organization(Call& call) { return Reply(represent(*call.organization)); }

Result<Reply> change_organization(Call& call) {
  std::optional<identity::MemberAccess> member_access;
  if (const auto role = call.text("member_role")) {
    const auto parsed = identity::parse_member_access(*role);
    if (!parsed) return parsed.error();
    member_access = *parsed;
  }
  const auto display_name = call.text("display_name");
  const auto updated = call.services.organizations.update(
      call.organization->id, display_name ? std::optional<std::string_view>(*display_name) : std::nullopt,
      member_access, call.origin);
  if (!updated) return updated.error();
  const auto current = call.services.organizations.find(call.organization->id);
  if (!current) return current.error();
  return Reply(represent(*current));
}

Result<Reply> rename_organization(Call& call) {
  auto renamed = call.services.organizations.rename(call.organization->id, *call.text("name"), call.origin);
  if (!renamed) return renamed.error();
  const auto current = call.services.organizations.find(call.organization->id);
  if (!current) return current.error();
  return created_reply(*current);
}

Result<Reply> delete_organization(Call& call) {
  if (auto removed = call.services.organizations.remove(call.organization->id, call.origin); !removed)
    return removed.error();
  return Reply();
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/organizations",
     .id = "listOrganizations",
     .tag = "organizations",
     .summary = "The organizations that the caller belongs to; all of them for auditors and those above",
     .permission = kAccount,
     .response = &PageOf<kOrganization>::kPage,
     .paged = true,
     .handler = list_organizations},
    {.method = http::Method::post,
     .path = "/organizations",
     .id = "createOrganization",
     .tag = "organizations",
     .summary = "Make an organization and its namespace",
     .permission = may(SystemAction::manage_organizations),
     .request = &kNew,
     .status = 201,
     .response = &kOrganization,
     .creates = true,
     .handler = create_organization},
    {.method = http::Method::get,
     .path = "/organizations/{organization}",
     .id = "getOrganization",
     .tag = "organizations",
     .summary = "One organization",
     .permission = kMember || SystemAction::read_directory,
     .response = &kOrganization,
     .handler = get_organization},
    {.method = http::Method::patch,
     .path = "/organizations/{organization}",
     .id = "changeOrganization",
     .tag = "organizations",
     .summary = "Change how an organization is shown and what its members may do",
     .permission = kOrganizationOwner,
     .request = &kChange,
     .response = &kOrganization,
     .if_match = IfMatch::required,
     .handler = change_organization},
    {.method = http::Method::post,
     .path = "/organizations/{organization}/rename",
     .id = "renameOrganization",
     .tag = "organizations",
     .summary = "Give an organization, its namespace and its robots another name; grants and tokens stay",
     .permission = kOrganizationOwner,
     .request = &kRename,
     .response = &kOrganization,
     .handler = rename_organization},
    {.method = http::Method::delete_,
     .path = "/organizations/{organization}",
     .id = "deleteOrganization",
     .tag = "organizations",
     .summary = "Delete an organization that has no repositories left",
     .permission = kOrganizationOwner || SystemAction::manage_organizations,
     .status = 204,
     .if_match = IfMatch::optional,
     .handler = delete_organization},
};

}  // namespace

constinit const Schema kOrganization = object("Organization", kOrganizationFields);

json::object represent(const Organization& organization) {
  return {{"name", organization.name},
          {"display_name", organization.display_name},
          {"member_role", json::string(identity::name(organization.member_access))},
          {"created_at", to_rfc3339(organization.created_at)}};
}

std::string organization_path(std::string_view name) { return "/organizations/" + percent_encode(name); }

std::span<const Operation> organization_operations() { return kOperations; }

}  // namespace bulkhead::api::management

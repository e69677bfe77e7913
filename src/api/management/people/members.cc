// /organizations/{organization}/members: who belongs to it.
#include <fmt/format.h>

#include "api/management/operation.h"
#include "api/management/permission.h"
#include "api/management/vocabulary.h"
#include "db/database.h"
#include "identity/people/accounts.h"
#include "identity/people/members.h"
#include "oci/quote.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::Member;
using identity::MemberRole;

constexpr Field kMemberFields[] = {
    {"account", &kAnyName, "", kRequired},
    {"display_name", &kDisplayName, "", kRequired},
    {"role", &kMemberRole, "", kRequired},
    {"from_directory", &kFlag, "Goes when single sign-on says so", kRequired},
};
constexpr Schema kMemberSchema = object("Member", kMemberFields);
constexpr Field kGivenFields[] = {{"role", &kMemberRole, "", kRequired}};
constexpr Schema kGiven = object("GivenMemberRole", kGivenFields);

json::object represent_member(const Member& member) {
  return {{"account", member.account},
          {"display_name", member.display_name},
          {"role", json::string(identity::name(member.role))},
          {"from_directory", member.from_directory}};
}

Result<Reply> list_members(Call& call) {
  const auto members = call.services.members.list(call.organization->id, call.after, call.limit + 1);
  if (!members) return members.error();
  return page_of(call, *members, represent_member, [](const Member& member) { return member.account; });
}

// The member of the path.
Result<Reply> read_member(const Call& call) {
  const std::string& name = call.path("member");
  const auto account = call.services.accounts.find(name);
  if (!account && account.error().code != Errc::not_found) return account.error();
  if (!account) return not_visible();
  const auto found = call.services.members.find(call.organization->id, account->id);
  if (!found) return found.error();
  if (!*found) return not_visible();
  return Reply(represent_member(**found));
}

Result<Reply> get_member(Call& call) { return read_member(call); }

Result<bool> has_active_owner(const Call& call) {
  bool has = false;
  const auto read = call.services.database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(
        "SELECT 1 FROM organization_members m JOIN accounts a ON a.id = m.account_id "
        "WHERE m.organization_id = ? AND m.role = 'owner' AND a.state = 'active' LIMIT 1",
        {call.organization->id});
    if (!rows) return rows.error();
    has = !rows->empty();
    return {};
  });
  if (!read) return read.error();
  return has;
}

// Whoever commands the machine may do what an owner may.
Result<bool> is_owner(const Call& call) {
  if (call.caller.is_operator) return true;
  const auto role = call.services.members.role(call.organization->id, call.caller.principal.account_id);
  if (!role) return role.error();
  return *role && **role == MemberRole::owner;
}

// What takes the word of the one who is named: to belong to an organization, and to be an owner of it. Who
// runs the installation may say so for them. Somebody who is not there and somebody who is no member are told
// alike.
Result<void> check_consent(const Call& call, MemberRole wanted) {
  if (call.caller.is_operator || call.may(SystemAction::manage_organizations)) return {};
  const std::string& name = call.path("member");
  const auto account = call.services.accounts.find(name);
  if (!account && account.error().code != Errc::not_found) return account.error();
  std::optional<MemberRole> role;
  if (account) {
    const auto found = call.services.members.role(call.organization->id, account->id);
    if (!found) return found.error();
    role = *found;
  }
  if (!role)
    return Error{Errc::conflict,
                 fmt::format("{} is no member of {}; invite them, and they are once they accept",
                             oci::quote(name), call.organization->name)};
  if (wanted == MemberRole::owner && *role != MemberRole::owner)
    return Error{Errc::conflict,
                 fmt::format("{} becomes an owner of {} by accepting: invite them with that role",
                             oci::quote(name), call.organization->name)};
  return {};
}

Result<Reply> set_member(Call& call) {
  const auto owner = is_owner(call);
  if (!owner) return owner.error();
  // Whoever runs the installation does not walk into organizations that somebody looks after.
  const auto looked_after = has_active_owner(call);
  if (!looked_after) return looked_after.error();
  if (!*owner && *looked_after)
    return Error{Errc::denied,
                 "members are the owners' to choose, as long as the organization has an active one"};
  const auto role = identity::parse_member_role(*call.text("role"));
  if (!role) return role.error();
  if (auto asked = check_consent(call, *role); !asked) return asked.error();
  const auto account = call.services.accounts.find(call.path("member"));
  if (!account) return account.error();
  auto set = call.services.members.set(call.organization->id, account->id, *role, call.origin);
  if (!set) return set.error();
  return read_member(call);
}

bool makes_an_owner(const Call& call) { return call.text("role") == "owner"; }

Result<Reply> remove_member(Call& call) {
  const auto owner = is_owner(call);
  if (!owner) return owner.error();
  if (!*owner && call.path("member") != call.caller.principal.account)
    return Error{Errc::denied, "members leave by themselves, or are removed by an owner"};
  const auto account = call.services.accounts.find(call.path("member"));
  if (!account && account.error().code != Errc::not_found) return account.error();
  if (!account)
    return Error{Errc::not_found, fmt::format("{} is no member of {}", oci::quote(call.path("member")),
                                              oci::quote(call.organization->name))};
  auto removed = call.services.members.remove(call.organization->id, account->id, call.origin);
  if (!removed) return removed.error();
  return Reply();
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/organizations/{organization}/members",
     .id = "listMembers",
     .tag = "organizations",
     .summary = "Who belongs to an organization, by name",
     .permission = kMember || SystemAction::read_directory,
     .response = &PageOf<kMemberSchema>::kPage,
     .paged = true,
     .handler = list_members},
    {.method = http::Method::get,
     .path = "/organizations/{organization}/members/{member}",
     .id = "getMember",
     .tag = "organizations",
     .summary = "One member",
     .permission = kMember || SystemAction::read_directory,
     .response = &kMemberSchema,
     .handler = get_member},
    {.method = http::Method::put,
     .path = "/organizations/{organization}/members/{member}",
     .id = "setMember",
     .tag = "organizations",
     .summary =
         "Give a member another role; whoever belongs to it or owns it has accepted an invitation, unless an "
         "administrator says so",
     .permission = kOrganizationOwner || SystemAction::manage_organizations,
     .request = &kGiven,
     .response = &kMemberSchema,
     .proof_for = makes_an_owner,
     .handler = set_member},
    {.method = http::Method::delete_,
     .path = "/organizations/{organization}/members/{member}",
     .id = "removeMember",
     .tag = "organizations",
     .summary = "Leave, or remove a member with all that the organization gave",
     .permission = kMember,
     .status = 204,
     .if_match = IfMatch::optional,
     .handler = remove_member},
};

}  // namespace

std::span<const Operation> member_operations() { return kOperations; }

}  // namespace bulkhead::api::management

// Invitations into organizations: by their owners, and as those see them who were invited.
#include <fmt/format.h>

#include "api/management/operation.h"
#include "api/management/people/organizations.h"
#include "api/management/permission.h"
#include "api/management/vocabulary.h"
#include "identity/people/invitations.h"
#include "identity/people/organizations.h"
#include "identity/people/teams.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using identity::Invitation;

constexpr Field kInvitationFields[] = {
    {"id", &kId, "", kRequired},
    {"organization", &kAnyName, "", kRequired},
    {"team", &kAnyName, "\"\" for none", kRequired},
    {"account", &kAnyName, "\"\" for one by e-mail", kRequired},
    {"email", &kEmail, "\"\" for one by account", kRequired},
    {"role", &kMemberRole, "", kRequired},
    {"invited_by", &kAnyName, "", kRequired},
    {"created_at", &kTime, "", kRequired},
    {"expires_at", &kTime, "", kRequired},
};
constexpr Schema kInvitation = object("Invitation", kInvitationFields);
constexpr Schema kInvitations = list(kInvitation, 1000);
constexpr Field kOwnFields[] = {{"items", &kInvitations, "", kRequired}};
constexpr Schema kOwn = object("", kOwnFields);

constexpr Field kNewFields[] = {
    {"account", &kGivenName, "Whom to invite: an account"},
    {"email", &kEmail, "Or whoever has this verified address"},
    {"role", &kMemberRole, "member when absent"},
    {"team", &kGivenName, "A team to put them into"},
};
constexpr Schema kNew = object("NewInvitation", kNewFields);
constexpr Field kIssuedFields[] = {
    {"invitation", &kInvitation, "", kRequired},
    {"secret", &kSecret, "bhinvite_…: for whoever was invited; shown this once"},
};
constexpr Schema kIssued = object("IssuedInvitation", kIssuedFields);
constexpr Schema kToken = secret_text(200);
constexpr Field kTokenFields[] = {{"token", &kToken, "bhinvite_…", kRequired}};
constexpr Schema kTokenRequest = object("InvitationToken", kTokenFields);

json::object represent_invitation(const Invitation& invitation) {
  return {{"id", invitation.id},
          {"organization", invitation.organization},
          {"team", invitation.team},
          {"account", invitation.account},
          {"email", invitation.email},
          {"role", json::string(identity::name(invitation.role))},
          {"invited_by", invitation.invited_by},
          {"created_at", to_rfc3339(invitation.created_at)},
          {"expires_at", to_rfc3339(invitation.expires_at)}};
}

Result<Reply> list_invitations(Call& call) {
  const auto found =
      call.services.invitations.of_organization(call.organization->id, call.after_number(), call.limit + 1);
  if (!found) return found.error();
  return page_of(call, *found, represent_invitation,
                 [](const Invitation& invitation) { return std::to_string(invitation.id); });
}

Result<Reply> get_invitation(Call& call) {
  const std::int64_t id = call.number("invitation");
  const auto found = call.services.invitations.of_organization(call.organization->id, id - 1, 1);
  if (!found) return found.error();
  if (found->empty() || found->front().id != id) return not_visible();
  return Reply(json::object{{"invitation", represent_invitation(found->front())}});
}

Result<Reply> invite(Call& call) {
  if (call.caller.principal.anonymous())
    return Error{Errc::denied, "invitations are sent by owners, who log in; operators make members at once"};
  identity::Invitations::Request request;
  request.organization_id = call.organization->id;
  request.account = call.text("account").value_or("");
  request.email = call.text("email").value_or("");
  if (const auto role = call.text("role")) {
    const auto parsed = identity::parse_member_role(*role);
    if (!parsed) return parsed.error();
    request.role = *parsed;
  }
  if (const auto name = call.text("team")) {
    const auto team = call.services.teams.find(call.organization->id, *name);
    if (!team) return team.error();
    request.team_id = team->id;
  }
  const auto issued =
      call.services.invitations.invite(request, call.caller.principal.account_id, call.origin);
  if (!issued) return issued.error();
  Reply reply(json::object{{"invitation", represent_invitation(issued->invitation)},
                           {"secret", issued->token.reveal()}});
  reply.location =
      fmt::format("{}/invitations/{}", organization_path(call.organization->name), issued->invitation.id);
  return reply;
}

Result<Reply> done(const Result<void>& outcome) {
  if (!outcome) return outcome.error();
  return Reply();
}

Result<Reply> revoke(Call& call) {
  return done(
      call.services.invitations.revoke(call.organization->id, call.number("invitation"), call.origin));
}

Result<Reply> list_own(Call& call) {
  const auto found = call.services.invitations.of_account(call.caller.principal.account_id);
  if (!found) return found.error();
  json::array items;
  for (const Invitation& invitation : *found) items.push_back(represent_invitation(invitation));
  return Reply(json::object{{"items", std::move(items)}});
}

// Belonging to an organization is as much as its scopes must hold. Where they do not, the invitation is none
// of the token's business.
Result<void> check_reach(const Call& call, const Result<std::int64_t>& organization_id) {
  if (call.caller.principal.ceiling == nullptr) return {};
  if (!organization_id) return organization_id.error();
  const auto organization = call.services.organizations.find(*organization_id);
  if (!organization) return organization.error();
  if (access::within_ceiling(call.caller.principal, access::Action::remove, organization->namespace_id, 0))
    return {};
  return Error{
      Errc::denied,
      "the access token's scopes do not hold the organization's namespace; log in to answer the invitation"};
}

// The organization of an invitation that is the caller's to answer.
Result<std::int64_t> own_organization(const Call& call) {
  const auto own = call.services.invitations.of_account(call.caller.principal.account_id);
  if (!own) return own.error();
  for (const Invitation& invitation : *own)
    if (invitation.id == call.number("invitation")) return invitation.organization_id;
  return not_visible();
}

Result<Reply> accept(Call& call) {
  if (auto reaches = check_reach(call, own_organization(call)); !reaches) return reaches.error();
  return done(call.services.invitations.accept(call.number("invitation"), call.caller.principal.account_id,
                                               call.origin));
}
Result<Reply> decline(Call& call) {
  if (auto reaches = check_reach(call, own_organization(call)); !reaches) return reaches.error();
  return done(call.services.invitations.decline(call.number("invitation"), call.caller.principal.account_id,
                                                call.origin));
}
Result<Reply> accept_token(Call& call) {
  if (auto reaches = check_reach(call, call.services.invitations.organization_of(call.secret("token")));
      !reaches)
    return reaches.error();
  return done(
      call.services.invitations.accept(call.secret("token"), call.caller.principal.account_id, call.origin));
}

constexpr Field kFoundFields[] = {{"invitation", &kInvitation, "", kRequired}};
constexpr Schema kFound = object("", kFoundFields);

bool makes_an_owner(const Call& call) { return call.text("role") == "owner"; }

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/organizations/{organization}/invitations",
     .id = "listInvitations",
     .tag = "invitations",
     .summary = "An organization's open invitations, the oldest first",
     .permission = kOrganizationOwner,
     .response = &PageOf<kInvitation>::kPage,
     .paged = true,
     .handler = list_invitations},
    {.method = http::Method::post,
     .path = "/organizations/{organization}/invitations",
     .id = "invite",
     .tag = "invitations",
     .summary = "Invite an account, or whoever has an e-mail address",
     .permission = kOrganizationOwner,
     .request = &kNew,
     .status = 201,
     .response = &kIssued,
     .creates = true,
     .proof_for = makes_an_owner,
     .secret = true,
     .handler = invite},
    {.method = http::Method::get,
     .path = "/organizations/{organization}/invitations/{invitation}",
     .id = "getInvitation",
     .tag = "invitations",
     .summary = "One open invitation",
     .permission = kOrganizationOwner,
     .response = &kFound,
     .handler = get_invitation},
    {.method = http::Method::delete_,
     .path = "/organizations/{organization}/invitations/{invitation}",
     .id = "revokeInvitation",
     .tag = "invitations",
     .summary = "Withdraw an invitation",
     .permission = kOrganizationOwner,
     .status = 204,
     .handler = revoke},
    {.method = http::Method::get,
     .path = "/invitations",
     .id = "listOwnInvitations",
     .tag = "invitations",
     .summary = "Open invitations that the caller could accept",
     .permission = kAccount,
     .response = &kOwn,
     .handler = list_own},
    {.method = http::Method::post,
     .path = "/invitations/acceptance",
     .id = "acceptInvitationToken",
     .tag = "invitations",
     .summary = "Accept an invitation by its token",
     .permission = kInPerson,
     .request = &kTokenRequest,
     .status = 204,
     .handler = accept_token},
    {.method = http::Method::post,
     .path = "/invitations/{invitation}/acceptance",
     .id = "acceptInvitation",
     .tag = "invitations",
     .summary = "Accept an invitation",
     .permission = kInPerson,
     .status = 204,
     .handler = accept},
    {.method = http::Method::delete_,
     .path = "/invitations/{invitation}",
     .id = "declineInvitation",
     .tag = "invitations",
     .summary = "Decline an invitation",
     .permission = kInPerson,
     .status = 204,
     .handler = decline},
};

}  // namespace

std::span<const Operation> invitation_operations() { return kOperations; }

}  // namespace bulkhead::api::management

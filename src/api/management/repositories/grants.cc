// /repositories/{repository}/grants and /namespaces/{namespace}/grants: the roles that were given; and
// /repositories/{repository}/access: who may do what there in the end, and why.
#include <fmt/format.h>

#include "access/facts.h"
#include "access/inventory.h"
#include "api/management/operation.h"
#include "api/management/permission.h"
#include "api/management/vocabulary.h"
#include "db/database.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::GivenRole;
using access::GrantTarget;
using access::SystemAction;

constexpr std::string_view kAllRoleWords[] = {"reader", "writer", "maintainer", "owner"};
constexpr Schema kAnyRole = choice(kAllRoleWords);
constexpr Schema kSubject = text(1, 255, kVisible);
constexpr Field kGrantFields[] = {
    {"subject", &kSubject, "An account's name, or team:ORGANIZATION/TEAM", kRequired},
    {"role", &kRole, "", kRequired},
};
constexpr Schema kGrant = object("Grant", kGrantFields);
constexpr Field kGivenFields[] = {{"role", &kRole, "", kRequired}};
constexpr Schema kGiven = object("GivenRole", kGivenFields);

constexpr Schema kReasonKind = text(1, 64, kVisible);
constexpr Schema kTeam = text(1, 255, kVisible);
constexpr Field kReasonFields[] = {
    {"kind", &kReasonKind, "", kRequired},
    {"role", &kAnyRole, "", kRequired},
    {"team", &kTeam, "ORGANIZATION/TEAM"},
};
constexpr Schema kReason = object("", kReasonFields);
constexpr Schema kReasons = list(kReason, 1000);
constexpr Field kEffectiveFields[] = {
    {"account", &kSubject, "Or team:ORGANIZATION/TEAM, of a team whose members are not the caller's to see",
     kRequired},
    {"robot", &kFlag, "", kRequired},
    {"role", &kAnyRole, "The highest", kRequired},
    {"reasons", &kReasons, "", kRequired},
};
constexpr Schema kEffective = object("EffectiveRole", kEffectiveFields);

constexpr Schema kTarget = text(1, 256, kNameCharacters);
constexpr Field kGrantAnywhereFields[] = {
    {"target", &kTarget, "A repository, or a namespace with a slash behind it; / for the installation's own",
     kRequired},
    {"subject", &kSubject, "An account's name, or team:ORGANIZATION/TEAM", kRequired},
    {"role", &kRole, "", kRequired},
};
constexpr Schema kGrantAnywhere = object("GrantAnywhere", kGrantAnywhereFields);

json::object represent_grant(const GivenRole& given) {
  return {{"subject", access::render(given.subject)}, {"role", json::string(access::name(given.role))}};
}

GrantTarget target_of(const Call& call) {
  if (call.repository) return {false, call.repository->name.render()};
  return {true, namespace_name(call.path("namespace"))};
}

Result<Reply> list_grants(Call& call) {
  std::vector<GivenRole> given;
  const auto read = call.services.database.read([&](db::Session& session) -> Result<void> {
    auto found = access::read_given_roles(session, target_of(call), call.after, call.limit + 1);
    if (!found) return found.error();
    given = *std::move(found);
    return {};
  });
  if (!read) return read.error();
  return page_of(call, given, represent_grant,
                 [](const GivenRole& each) { return access::render(each.subject); });
}

// One line's name among all of them, in their order: no name has a space.
std::string place_of(const access::WrittenGrant& grant) {
  return fmt::format("{} {}", grant.target, grant.subject);
}

Result<Reply> list_all(Call& call) {
  std::vector<access::WrittenGrant> given;
  const auto read = call.services.database.read([&](db::Session& session) -> Result<void> {
    auto found = access::read_all_given_roles(session);
    if (!found) return found.error();
    given = *std::move(found);
    return {};
  });
  if (!read) return read.error();
  std::erase_if(given, [&](const access::WrittenGrant& each) { return place_of(each) <= call.after; });
  return page_of(
      call, given,
      [](const access::WrittenGrant& each) {
        return json::object{{"target", each.target}, {"subject", each.subject}, {"role", each.role}};
      },
      place_of);
}

Result<Reply> get_grant(Call& call) {
  const auto subject = access::parse_grant_subject(call.path("subject"));
  if (!subject) return subject.error();
  std::optional<GivenRole> given;
  const auto read = call.services.database.read([&](db::Session& session) -> Result<void> {
    auto found = access::read_given_role(session, target_of(call), *subject);
    if (!found) return found.error();
    given = *std::move(found);
    return {};
  });
  if (!read) return read.error();
  if (!given) return not_visible();
  return Reply(represent_grant(*given));
}

Result<Reply> set_grant(Call& call) {
  const auto subject = access::parse_grant_subject(call.path("subject"));
  if (!subject) return subject.error();
  const auto role = access::parse_role(*call.text("role"));
  if (!role) return role.error();
  if (auto set = call.services.facts.grant(*subject, *role, target_of(call), call.origin, namer_of(call));
      !set)
    return set.error();
  return Reply(represent_grant({*subject, *role}));
}

Result<Reply> remove_grant(Call& call) {
  const auto subject = access::parse_grant_subject(call.path("subject"));
  if (!subject) return subject.error();
  if (auto removed = call.services.facts.revoke(*subject, target_of(call), call.origin, namer_of(call));
      !removed)
    return removed.error();
  return Reply();
}

json::object represent_effective(const access::EffectiveGrant& grant) {
  json::array reasons;
  for (const access::Reason& reason : grant.reasons) {
    json::object entry{{"kind", json::string(access::name(reason.kind))},
                       {"role", json::string(access::name(reason.role))}};
    if (!reason.team.empty()) entry["team"] = reason.team;
    reasons.push_back(std::move(entry));
  }
  return {{"account", grant.account},
          {"robot", grant.is_robot},
          {"role", json::string(access::name(grant.role))},
          {"reasons", std::move(reasons)}};
}

Result<Reply> list_access(Call& call) {
  const auto grants =
      call.services.facts.effective_grants(call.repository->name, call.after, call.limit + 1, namer_of(call));
  if (!grants) return grants.error();
  return page_of(call, grants->entries, represent_effective,
                 [](const access::EffectiveGrant& grant) { return grant.account; });
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/grants",
     .id = "listGrants",
     .tag = "grants",
     .summary = "All roles given anywhere, by where",
     .permission = may(SystemAction::read_directory),
     .response = &PageOf<kGrantAnywhere>::kPage,
     .paged = true,
     .handler = list_all},
    {.method = http::Method::get,
     .path = "/repositories/{repository}/access",
     .id = "listAccess",
     .tag = "grants",
     .summary = "Who may do what in a repository, and why",
     .permission = kMaintainer || SystemAction::read_directory,
     .response = &PageOf<kEffective>::kPage,
     .paged = true,
     .handler = list_access},
    {.method = http::Method::get,
     .path = "/repositories/{repository}/grants",
     .id = "listRepositoryGrants",
     .tag = "grants",
     .summary = "The roles given on a repository itself",
     .permission = kMaintainer || SystemAction::read_directory,
     .response = &PageOf<kGrant>::kPage,
     .paged = true,
     .handler = list_grants},
    {.method = http::Method::get,
     .path = "/repositories/{repository}/grants/{subject}",
     .id = "getRepositoryGrant",
     .tag = "grants",
     .summary = "The role given to one account or team on a repository",
     .permission = kMaintainer || SystemAction::read_directory,
     .response = &kGrant,
     .handler = get_grant},
    {.method = http::Method::put,
     .path = "/repositories/{repository}/grants/{subject}",
     .id = "setRepositoryGrant",
     .tag = "grants",
     .summary = "Give an account or team that the caller can see a role on a repository",
     .permission = kOwner,
     .request = &kGiven,
     .response = &kGrant,
     .handler = set_grant},
    {.method = http::Method::delete_,
     .path = "/repositories/{repository}/grants/{subject}",
     .id = "removeRepositoryGrant",
     .tag = "grants",
     .summary = "Take a role on a repository away",
     .permission = kOwner,
     .status = 204,
     .if_match = IfMatch::optional,
     .handler = remove_grant},
    {.method = http::Method::get,
     .path = "/namespaces/{namespace}/grants",
     .id = "listNamespaceGrants",
     .tag = "grants",
     .summary = "The roles given on a namespace with all it holds",
     .permission = kNamespaceOwner || SystemAction::read_directory,
     .response = &PageOf<kGrant>::kPage,
     .paged = true,
     .handler = list_grants},
    {.method = http::Method::get,
     .path = "/namespaces/{namespace}/grants/{subject}",
     .id = "getNamespaceGrant",
     .tag = "grants",
     .summary = "The role given to one account or team on a namespace",
     .permission = kNamespaceOwner || SystemAction::read_directory,
     .response = &kGrant,
     .handler = get_grant},
    {.method = http::Method::put,
     .path = "/namespaces/{namespace}/grants/{subject}",
     .id = "setNamespaceGrant",
     .tag = "grants",
     .summary = "Give an account or team that the caller can see a role on a namespace",
     .permission = kNamespaceOwner,
     .request = &kGiven,
     .response = &kGrant,
     .handler = set_grant},
    {.method = http::Method::delete_,
     .path = "/namespaces/{namespace}/grants/{subject}",
     .id = "removeNamespaceGrant",
     .tag = "grants",
     .summary = "Take a role on a namespace away",
     .permission = kNamespaceOwner,
     .status = 204,
     .if_match = IfMatch::optional,
     .handler = remove_grant},
};

}  // namespace

std::span<const Operation> grant_operations() { return kOperations; }

}  // namespace bulkhead::api::management

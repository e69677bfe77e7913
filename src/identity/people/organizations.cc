#include "identity/people/organizations.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "identity/people/account_rows.h"
#include "identity/people/namespaces.h"
#include "identity/people/organization_rows.h"
#include "identity/people/paging.h"
#include "identity/people/profile.h"
#include "identity/people/removal.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

constexpr std::string_view kWhat = "an organization's name";

Error no_organization(std::string_view name) {
  return {Errc::not_found, fmt::format("there is no organization named {}", oci::quote(name))};
}

Result<void> erase_robots(Change& change, std::int64_t organization_id) {
  const auto robots =
      change.session.query("SELECT account_id FROM robots WHERE organization_id = ?", {organization_id});
  if (!robots) return robots.error();
  for (const db::Row& robot : *robots) {
    if (const auto erased = erase_account(change, robot.integer(0)); !erased) return erased.error();
    change.forget(robot.integer(0));
  }
  return {};
}

}  // namespace

std::string_view name(MemberAccess access) {
  switch (access) {
    case MemberAccess::none: return "none";
    case MemberAccess::reader: return "reader";
    case MemberAccess::writer: return "writer";
  }
  return "none";
}

Result<MemberAccess> parse_member_access(std::string_view text) {
  for (const MemberAccess access : {MemberAccess::none, MemberAccess::reader, MemberAccess::writer})
    if (text == name(access)) return access;
  return Error{Errc::invalid_argument,
               fmt::format("{} is nothing that all members may have; it is one of none, reader and writer",
                           oci::quote(text))};
}

std::string_view name(MemberRole role) { return role == MemberRole::owner ? "owner" : "member"; }

Result<MemberRole> parse_member_role(std::string_view text) {
  for (const MemberRole role : {MemberRole::member, MemberRole::owner})
    if (text == name(role)) return role;
  return Error{Errc::invalid_argument,
               fmt::format("{} is no role in an organization; it is owner or member", oci::quote(text))};
}

Organization organization_from(const db::Row& row) {
  const auto access = parse_member_access(row.text(3));
  return {.id = row.integer(0),
          .name = row.text(1),
          .display_name = row.text(2),
          .member_access = access ? *access : MemberAccess::none,
          .created_at = from_micros(row.integer(4)),
          .namespace_id = row.is_null(5) ? 0 : row.integer(5)};
}

Error no_organization(std::int64_t id) {
  return {Errc::not_found, fmt::format("there is no organization number {}", id)};
}

Result<Organization> read_organization(db::Session& session, std::int64_t id) {
  const auto rows =
      session.query(fmt::format("SELECT {} FROM organizations o WHERE o.id = ?", kOrganizationColumns), {id});
  if (!rows) return rows.error();
  if (rows->empty()) return no_organization(id);
  return organization_from(rows->front());
}

Result<Organization> Organizations::create(std::string_view name, std::string_view display_name,
                                           std::int64_t creator, const audit::Origin& origin) {
  const auto parsed = parse_account_name(name, kWhat);
  if (!parsed) return parsed.error();
  const auto shown = parse_display_name(display_name);
  if (!shown) return shown.error();
  Organization organization{.id = 0,
                            .name = *parsed,
                            .display_name = *shown,
                            .member_access = MemberAccess::none,
                            .created_at = {},
                            .namespace_id = 0};
  const auto done = directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto owner = read_account(change.session, creator);
    if (!owner) return owner.error();
    if (owner->kind == AccountKind::robot || !owner->active())
      return Error{
          Errc::invalid_argument,
          fmt::format("{} cannot own an organization: that takes an active person", oci::quote(owner->name))};
    if (const auto free = check_name_is_free(change.session, *parsed); !free) return free.error();
    organization.created_at = change.now;
    const auto rows = change.session.query(
        "INSERT INTO organizations (name, display_name, created_at) VALUES (?, ?, ?) RETURNING id",
        {*parsed, *shown, to_micros(change.now)});
    if (!rows) return rows.error();
    organization.id = rows->at(0).integer(0);
    const auto space = change.session.query(
        "INSERT INTO namespaces (name, organization_id, created_at) VALUES (?, ?, ?) RETURNING id",
        {*parsed, organization.id, to_micros(change.now)});
    if (!space) return space.error();
    organization.namespace_id = space->at(0).integer(0);
    const auto member = change.execute(
        "INSERT INTO organization_members (organization_id, account_id, role) VALUES (?, ?, 'owner')",
        {organization.id, creator});
    if (!member) return member.error();
    return change.record(audit::Action::organization_created, *parsed, owner->name);
  });
  if (!done) return done.error();
  return organization;
}

Result<Organization> Organizations::find(std::string_view name) const {
  // Bytes that are no name are not sent to the database, which may refuse them in its own way.
  if (!parse_account_name(name)) return no_organization(name);
  const auto row = directory_.read_row(
      fmt::format("SELECT {} FROM organizations o WHERE o.name = ?", kOrganizationColumns),
      {std::string(name)}, no_organization(name));
  if (!row) return row.error();
  return organization_from(*row);
}

Result<Organization> Organizations::find(std::int64_t id) const {
  const auto row =
      directory_.read_row(fmt::format("SELECT {} FROM organizations o WHERE o.id = ?", kOrganizationColumns),
                          {id}, identity::no_organization(id));
  if (!row) return row.error();
  return organization_from(*row);
}

Result<std::vector<Organization>> Organizations::list(std::string_view after, std::size_t limit) const {
  const auto rows = directory_.read_rows(
      fmt::format("SELECT {} FROM organizations o WHERE o.name > ? ORDER BY o.name LIMIT ?",
                  kOrganizationColumns),
      {comparable_name(after), sql_limit(limit)});
  if (!rows) return rows.error();
  std::vector<Organization> organizations;
  for (const db::Row& row : *rows) organizations.push_back(organization_from(row));
  return organizations;
}

Result<void> Organizations::rename(std::int64_t id, std::string_view new_name, const audit::Origin& origin) {
  const auto name = parse_account_name(new_name, kWhat);
  if (!name) return name.error();
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto organization = read_organization(change.session, id);
    if (!organization) return organization.error();
    if (organization->name == *name) return {};
    if (const auto free = check_name_is_free(change.session, *name); !free) return free.error();
    const auto renamed = change.execute("UPDATE organizations SET name = ? WHERE id = ?", {*name, id});
    if (!renamed) return renamed.error();
    if (const auto space = rename_namespace(change, organization->name, *name); !space) return space.error();
    return change.record(audit::Action::organization_renamed, organization->name, *name);
  });
}

Result<void> Organizations::update(std::int64_t id, std::optional<std::string_view> display_name,
                                   std::optional<MemberAccess> member_access, const audit::Origin& origin) {
  const auto shown = parse_display_name(display_name.value_or(""));
  if (!shown) return shown.error();
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto organization = read_organization(change.session, id);
    if (!organization) return organization.error();
    const std::string& next_name = display_name ? *shown : organization->display_name;
    const MemberAccess next_access = member_access.value_or(organization->member_access);
    const bool renamed = next_name != organization->display_name;
    const bool opened = next_access != organization->member_access;
    if (!renamed && !opened) return {};
    const auto done =
        change.execute("UPDATE organizations SET display_name = ?, member_role = ? WHERE id = ?",
                       {next_name, std::string(name(next_access)), id});
    if (!done) return done.error();
    std::string detail;
    if (renamed) detail = fmt::format(R"("display_name":{})", json_quote(next_name));
    if (opened)
      detail += fmt::format(R"({}"member_role":"{}")", detail.empty() ? "" : ",", name(next_access));
    return change.record(audit::Action::organization_changed, organization->name,
                         fmt::format("{{{}}}", detail));
  });
}

Result<void> Organizations::remove(std::int64_t id, const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto organization = read_organization(change.session, id);
    if (!organization) return organization.error();
    if (const auto erased = erase_namespace(change, organization->name); !erased) return erased.error();
    if (const auto erased = erase_robots(change, id); !erased) return erased.error();
    // Teams refer to their parents; with the references gone the order in which teams go is free.
    const auto erased = change.execute_each(
        {"DELETE FROM invitations WHERE organization_id = ?",
         "DELETE FROM team_members WHERE team_id IN (SELECT id FROM teams WHERE organization_id = ?)",
         "DELETE FROM team_namespace_grants WHERE team_id IN (SELECT id FROM teams WHERE organization_id = "
         "?)",
         "DELETE FROM team_repository_grants WHERE team_id IN (SELECT id FROM teams WHERE organization_id = "
         "?)",
         "DELETE FROM group_mappings WHERE team_id IN (SELECT id FROM teams WHERE organization_id = ?)",
         "UPDATE teams SET parent_id = NULL WHERE organization_id = ?",
         "DELETE FROM teams WHERE organization_id = ?",
         "DELETE FROM organization_members WHERE organization_id = ?",
         "DELETE FROM policies WHERE organization_id = ?", "DELETE FROM organizations WHERE id = ?"},
        id);
    if (!erased) return erased.error();
    return change.record(audit::Action::organization_deleted, organization->name);
  });
}

}  // namespace bulkhead::identity

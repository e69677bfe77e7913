#include "identity/people/members.h"

#include <fmt/format.h>

#include "identity/people/account_rows.h"
#include "identity/people/member_rows.h"
#include "identity/people/organization_rows.h"
#include "identity/people/paging.h"
#include "identity/people/removal.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

MemberRole role_from(const std::string& text) {
  return text == "owner" ? MemberRole::owner : MemberRole::member;
}

constexpr std::string_view kEraseTeams =
    "DELETE FROM team_members WHERE account_id = ? AND team_id IN (SELECT id FROM teams WHERE "
    "organization_id "
    "= ?)";
constexpr std::string_view kEraseNamespaceGrants =
    "DELETE FROM namespace_grants WHERE account_id = ? AND namespace_id IN "
    "(SELECT id FROM namespaces WHERE organization_id = ?)";
constexpr std::string_view kEraseRepositoryGrants =
    "DELETE FROM repository_grants WHERE account_id = ? AND repository_id IN "
    "(SELECT r.id FROM repositories r JOIN namespaces n ON n.id = r.namespace_id WHERE n.organization_id = "
    "?)";
constexpr std::string_view kEraseSentInvitations =
    "DELETE FROM invitations WHERE invited_by = ? AND organization_id = ?";
constexpr std::string_view kEraseReceivedInvitations =
    "DELETE FROM invitations WHERE account_id = ? AND organization_id = ?";
constexpr std::string_view kEraseMember =
    "DELETE FROM organization_members WHERE account_id = ? AND organization_id = ?";

constexpr std::string_view kMembers =
    "SELECT a.id, a.name, a.display_name, m.role, m.source FROM organization_members m "
    "JOIN accounts a ON a.id = m.account_id WHERE m.organization_id = ? ";

Member member_from(const db::Row& row) {
  return {.account_id = row.integer(0),
          .account = row.text(1),
          .display_name = row.text(2),
          .role = role_from(row.text(3)),
          .from_directory = row.text(4) == "sso"};
}

// What a directory gave would come back with the person's next log-in.
Result<void> check_not_by_directory(Change& change, const Organization& organization,
                                    const Account& account) {
  const auto rows = change.session.query(
      "SELECT t.name FROM team_members m JOIN teams t ON t.id = m.team_id "
      "WHERE m.account_id = ? AND t.organization_id = ? AND m.source = 'sso' ORDER BY t.name LIMIT 1",
      {account.id, organization.id});
  if (!rows) return rows.error();
  if (rows->empty()) return {};
  const std::string team = fmt::format("{}/{}", organization.name, rows->front().text(0));
  return Error{Errc::conflict,
               fmt::format("a directory puts {} into {}; remove them from its group, or the mapping",
                           oci::quote(account.name), oci::quote(team))};
}

}  // namespace

std::string_view name(Source source) { return source == Source::sso ? "sso" : "direct"; }

Result<std::optional<MemberRole>> read_member_role(db::Session& session, std::int64_t organization_id,
                                                   std::int64_t account_id) {
  const auto rows =
      session.query("SELECT role FROM organization_members WHERE organization_id = ? AND account_id = ?",
                    {organization_id, account_id});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<MemberRole>();
  return std::optional(role_from(rows->front().text(0)));
}

Result<void> put_member(Change& change, const Organization& organization, const Account& account,
                        MemberRole role, Source source) {
  const auto changed = change.execute(
      "INSERT INTO organization_members (organization_id, account_id, role, source) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (organization_id, account_id) DO UPDATE SET role = excluded.role, source = "
      "excluded.source "
      "WHERE organization_members.role <> excluded.role OR organization_members.source <> excluded.source",
      {organization.id, account.id, std::string(name(role)), std::string(name(source))});
  if (!changed) return changed.error();
  if (*changed == 0) return {};
  // Names and roles need no escaping.
  return change.record(audit::Action::organization_member_set, account.name,
                       fmt::format(R"({{"organization":"{}","role":"{}"{}}})", organization.name, name(role),
                                   source == Source::sso ? R"(,"source":"sso")" : ""));
}

Result<void> erase_member(Change& change, const Organization& organization, const Account& account) {
  if (const auto handed = hand_over_repositories(change, account, organization.id); !handed)
    return handed.error();
  for (const std::string_view sql : {kEraseTeams, kEraseNamespaceGrants, kEraseRepositoryGrants,
                                     kEraseSentInvitations, kEraseReceivedInvitations, kEraseMember})
    if (const auto done = change.execute(sql, {account.id, organization.id}); !done) return done.error();
  return change.record(audit::Action::organization_member_removed, account.name,
                       fmt::format(R"({{"organization":"{}"}})", organization.name));
}

Result<std::vector<Member>> Members::list(std::int64_t organization_id, std::string_view after,
                                          std::size_t limit) const {
  const auto rows = directory_.read_rows(fmt::format("{}AND a.name > ? ORDER BY a.name LIMIT ?", kMembers),
                                         {organization_id, comparable_name(after), sql_limit(limit)});
  if (!rows) return rows.error();
  std::vector<Member> members;
  for (const db::Row& row : *rows) members.push_back(member_from(row));
  return members;
}

Result<std::optional<Member>> Members::find(std::int64_t organization_id, std::int64_t account_id) const {
  const auto rows =
      directory_.read_rows(fmt::format("{}AND a.id = ?", kMembers), {organization_id, account_id});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Member>();
  return std::optional(member_from(rows->front()));
}

Result<std::vector<Membership>> Members::of_account(std::int64_t account_id) const {
  const auto rows =
      directory_.read_rows(fmt::format("SELECT {}, m.role FROM organization_members m JOIN organizations o "
                                       "ON o.id = m.organization_id WHERE m.account_id = ? ORDER BY o.name",
                                       kOrganizationColumns),
                           {account_id});
  if (!rows) return rows.error();
  std::vector<Membership> memberships;
  for (const db::Row& row : *rows)
    memberships.push_back({organization_from(row), role_from(row.text(kOrganizationColumnCount))});
  return memberships;
}

Result<std::optional<MemberRole>> Members::role(std::int64_t organization_id, std::int64_t account_id) const {
  std::optional<MemberRole> role;
  const auto done = directory_.read([&](db::Session& session) -> Result<void> {
    const auto found = read_member_role(session, organization_id, account_id);
    if (!found) return found.error();
    role = *found;
    return {};
  });
  if (!done) return done.error();
  return role;
}

Result<void> Members::set(std::int64_t organization_id, std::int64_t account_id, MemberRole role,
                          const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto organization = read_organization(change.session, organization_id);
    if (!organization) return organization.error();
    const auto account = read_account(change.session, account_id);
    if (!account) return account.error();
    if (account->kind == AccountKind::robot)
      return Error{Errc::invalid_argument,
                   fmt::format("{} is a robot; members are people", oci::quote(account->name))};
    const auto before = read_member_role(change.session, organization_id, account_id);
    if (!before) return before.error();
    if (*before == MemberRole::owner && role != MemberRole::owner) {
      if (const auto may = check_not_last_owner(change.session, organization_id, account_id); !may)
        return may.error();
      // Inviting is an owner's business, and so is what was begun with it.
      const auto withdrawn = change.execute(kEraseSentInvitations, {account_id, organization_id});
      if (!withdrawn) return withdrawn.error();
    }
    return put_member(change, *organization, *account, role, Source::direct);
  });
}

Result<void> Members::remove(std::int64_t organization_id, std::int64_t account_id,
                             const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto organization = read_organization(change.session, organization_id);
    if (!organization) return organization.error();
    const auto account = read_account(change.session, account_id);
    if (!account) return account.error();
    const auto role = read_member_role(change.session, organization_id, account_id);
    if (!role) return role.error();
    if (!*role)
      return Error{Errc::not_found, fmt::format("{} is no member of {}", oci::quote(account->name),
                                                oci::quote(organization->name))};
    if (**role == MemberRole::owner)
      if (const auto may = check_not_last_owner(change.session, organization_id, account_id); !may)
        return may.error();
    // Whoever leaves by themselves may, all the same.
    if (origin.account != account->name)
      if (const auto may = check_not_by_directory(change, *organization, *account); !may) return may.error();
    return erase_member(change, *organization, *account);
  });
}

}  // namespace bulkhead::identity

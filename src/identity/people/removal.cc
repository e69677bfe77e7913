#include "identity/people/removal.h"

#include <fmt/format.h>

#include "oci/quote.h"

namespace bulkhead::identity {

Result<void> erase_account(Change& change, std::int64_t account_id) {
  return change.execute_each({"DELETE FROM access_token_scopes WHERE token_id IN (SELECT id FROM "
                              "access_tokens WHERE account_id = ?)",
                              "UPDATE access_tokens SET successor_id = NULL WHERE successor_id IN "
                              "(SELECT id FROM access_tokens WHERE account_id = ?)",
                              "DELETE FROM access_tokens WHERE account_id = ?",
                              "UPDATE access_tokens SET created_by = NULL WHERE created_by = ?",
                              "DELETE FROM sessions WHERE account_id = ?",
                              "DELETE FROM login_networks WHERE account_id = ?",
                              "DELETE FROM totp WHERE account_id = ?",
                              "DELETE FROM recovery_codes WHERE account_id = ?",
                              "DELETE FROM webauthn_credentials WHERE account_id = ?",
                              "DELETE FROM webauthn_challenges WHERE account_id = ?",
                              "DELETE FROM workload_trust_scopes WHERE trust_id IN (SELECT id FROM "
                              "workload_trusts WHERE robot_id = ?)",
                              "DELETE FROM workload_trusts WHERE robot_id = ?",
                              "DELETE FROM external_identities WHERE account_id = ?",
                              "DELETE FROM login_requests WHERE account_id = ?",
                              "DELETE FROM idempotency_keys WHERE account_id = ?",
                              "DELETE FROM invitations WHERE account_id = ?",
                              "DELETE FROM invitations WHERE invited_by = ?",
                              "DELETE FROM repository_grants WHERE account_id = ?",
                              "DELETE FROM namespace_grants WHERE account_id = ?",
                              "DELETE FROM team_members WHERE account_id = ?",
                              "DELETE FROM organization_members WHERE account_id = ?",
                              "DELETE FROM robots WHERE account_id = ?",
                              "UPDATE robots SET created_by = NULL WHERE created_by = ?",
                              "DELETE FROM accounts WHERE id = ?"},
                             account_id);
}

Result<std::int64_t> end_credentials(db::Session& session, std::int64_t account_id, Time now) {
  const auto ended = session.execute(
      "UPDATE accounts SET credential_version = credential_version + 1, token_version = token_version + 1 "
      "WHERE id = ?",
      {account_id});
  if (!ended) return ended.error();
  return session.execute(
      "UPDATE access_tokens SET revoked_at = ? WHERE account_id = ? AND revoked_at IS NULL AND expires_at > "
      "?",
      {to_micros(now), account_id, to_micros(now)});
}

Result<void> check_owners_remain(db::Session& session, std::int64_t account_id) {
  const auto organizations = session.query(
      "SELECT organization_id FROM organization_members WHERE account_id = ? AND role = 'owner' "
      "ORDER BY organization_id",
      {account_id});
  if (!organizations) return organizations.error();
  for (const db::Row& organization : *organizations)
    if (const auto may = check_not_last_owner(session, organization.integer(0), account_id); !may)
      return may.error();
  return {};
}

Result<void> hand_over_repositories(Change& change, const Account& account, std::int64_t organization_id) {
  const auto owned = change.session.query(
      "SELECT r.id, r.name FROM repositories r JOIN namespaces n ON n.id = r.namespace_id "
      "WHERE r.owner_id = ? AND n.organization_id = ? ORDER BY r.name",
      {account.id, organization_id});
  if (!owned) return owned.error();
  if (owned->empty()) return {};
  const auto heirs = change.session.query(
      "SELECT a.id, a.name FROM organization_members m JOIN accounts a ON a.id = m.account_id "
      "WHERE m.organization_id = ? AND m.role = 'owner' AND a.id <> ? "
      "ORDER BY CASE a.state WHEN 'active' THEN 0 ELSE 1 END, a.id LIMIT 1",
      {organization_id, account.id});
  if (!heirs) return heirs.error();
  if (heirs->empty())
    return Error{Errc::conflict,
                 fmt::format("nobody is left who could own {}", oci::quote(owned->front().text(1)))};
  const std::string& heir = heirs->front().text(1);
  for (const db::Row& repository : *owned) {
    const auto handed = change.execute(
        "UPDATE repositories SET owner_id = ?, owner_appointed = 0, "
        "contact = CASE WHEN contact = ? THEN ? ELSE contact END WHERE id = ?",
        {heirs->front().integer(0), account.name, heir, repository.integer(0)});
    if (!handed) return handed.error();
    const auto recorded =
        change.record(audit::Action::repository_owner_changed, heir, account.name, repository.text(1));
    if (!recorded) return recorded.error();
  }
  return {};
}

Result<void> check_not_last_owner(db::Session& session, std::int64_t organization_id,
                                  std::int64_t account_id) {
  const auto others = session.query(
      "SELECT 1 FROM organization_members m JOIN accounts a ON a.id = m.account_id "
      "WHERE m.organization_id = ? AND m.role = 'owner' AND a.state = 'active' AND a.id <> ? LIMIT 1",
      {organization_id, account_id});
  if (!others) return others.error();
  if (!others->empty()) return {};
  const auto names =
      session.query("SELECT o.name, a.name FROM organizations o, accounts a WHERE o.id = ? AND a.id = ?",
                    {organization_id, account_id});
  if (!names) return names.error();
  if (names->empty()) return Error{Errc::not_found, "there is no such organization"};
  return Error{Errc::conflict,
               fmt::format("{} is the last active owner of {}; make another member an owner first",
                           oci::quote(names->front().text(1)), oci::quote(names->front().text(0)))};
}

}  // namespace bulkhead::identity

#include "identity/factors/factors.h"

namespace bulkhead::identity {

Result<Factors> read_factors(db::Session& session, std::int64_t account) {
  const auto rows = session.query(
      "SELECT (SELECT COUNT(*) FROM totp WHERE account_id = ? AND confirmed_at IS NOT NULL), "
      "(SELECT COUNT(*) FROM webauthn_credentials WHERE account_id = ?), "
      "(SELECT COUNT(*) FROM recovery_codes WHERE account_id = ? AND used_at IS NULL)",
      {account, account, account});
  if (!rows) return rows.error();
  const db::Row& row = rows->at(0);
  return Factors{.totp = row.integer(0) > 0, .webauthn = row.integer(1), .recovery_codes = row.integer(2)};
}

Result<void> end_log_ins(db::Session& session, std::int64_t account, std::int64_t session_id, Time now) {
  const auto kept = session.execute(
      "UPDATE sessions SET credential_version = credential_version + 1, multi_factor = 1, proved_at = ? "
      "WHERE id = ? AND account_id = ? AND expires_at > ? AND credential_version = (SELECT "
      "a.credential_version FROM accounts a WHERE a.id = account_id)",
      {to_micros(now), session_id, account, to_micros(now)});
  if (!kept) return kept.error();
  const auto ended = session.execute(
      "UPDATE accounts SET credential_version = credential_version + 1 WHERE id = ?", {account});
  if (!ended) return ended.error();
  return {};
}

Result<void> drop_codes_without_factor(db::Session& session, std::int64_t account) {
  const auto factors = read_factors(session, account);
  if (!factors) return factors.error();
  if (factors->enrolled()) return {};
  const auto gone = session.execute("DELETE FROM recovery_codes WHERE account_id = ?", {account});
  if (!gone) return gone.error();
  return {};
}

}  // namespace bulkhead::identity

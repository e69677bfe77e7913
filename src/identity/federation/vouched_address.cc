#include "identity/federation/vouched_address.h"

#include <string>
#include <vector>

namespace bulkhead::identity {

Result<void> withdraw_addresses(Change& change, std::int64_t provider_id,
                                std::optional<std::string_view> subject) {
  std::string sql =
      "SELECT a.id, a.name FROM external_identities e JOIN accounts a ON a.id = e.account_id "
      "WHERE e.provider_id = ? AND a.email_verified = 1 AND lower(a.email) = lower(e.email)";
  std::vector<db::Value> parameters{provider_id};
  if (subject) {
    sql += " AND e.subject = ?";
    parameters.emplace_back(std::string(*subject));
  }
  const auto rows = change.session.query(sql + " ORDER BY a.id", parameters);
  if (!rows) return rows.error();
  for (const db::Row& row : *rows) {
    const auto done = change.execute("UPDATE accounts SET email_verified = 0 WHERE id = ?", {row.integer(0)});
    if (!done) return done.error();
    change.forget(row.integer(0));
    const auto recorded =
        change.record(audit::Action::account_profile_changed, row.text(1), R"({"email_verified":false})");
    if (!recorded) return recorded.error();
  }
  return {};
}

}  // namespace bulkhead::identity

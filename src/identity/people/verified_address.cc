#include "identity/people/verified_address.h"

namespace bulkhead::identity {

Result<std::string> verified_elsewhere(db::Session& session, const std::string& email,
                                       std::int64_t account_id) {
  const auto rows = session.query(
      "SELECT name FROM accounts WHERE email_verified = 1 AND lower(email) = lower(?) AND id <> ? "
      "ORDER BY name LIMIT 1",
      {email, account_id});
  if (!rows) return rows.error();
  return rows->empty() ? std::string() : rows->front().text(0);
}

}  // namespace bulkhead::identity

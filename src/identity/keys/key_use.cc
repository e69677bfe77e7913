#include "identity/keys/key_use.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace bulkhead::identity {
namespace {

using crypto::KeyPurpose;

// A column of keyed hashes, "v<version>:<hex>". `alive`: which of its rows still open something; it may hold
// one `?`, the time.
struct HashColumn {
  std::string_view what;
  std::string_view table;
  std::string_view column;
  std::string_view alive;
};

constexpr std::array kHashColumns{
    HashColumn{"setup token", "setup_token", "hash",
               "expires_at > ? AND NOT EXISTS (SELECT 1 FROM accounts)"},
    HashColumn{
        "access tokens", "access_tokens", "hash",
        "revoked_at IS NULL AND expires_at > ? AND token_version = (SELECT a.token_version FROM accounts a "
        "WHERE a.id = access_tokens.account_id)"},
    HashColumn{
        "sessions", "sessions", "hash",
        "expires_at > ? AND credential_version = (SELECT a.credential_version FROM accounts a WHERE a.id = "
        "sessions.account_id)"},
    HashColumn{"invitations", "invitations", "hash", "expires_at > ?"},
    HashColumn{"recovery codes", "recovery_codes", "hash", "used_at IS NULL"},
    HashColumn{"log-ins under way", "webauthn_challenges", "hash", "expires_at > ?"},
    HashColumn{"log-ins under way", "login_requests", "state_hash", "expires_at > ?"},
    HashColumn{"log-ins under way", "login_requests", "device_hash", "expires_at > ?"},
    HashColumn{"log-ins under way", "login_requests", "user_code_hash", "expires_at > ?"},
    HashColumn{"idempotency keys", "idempotency_keys", "request_hash", "created_at + 86400000000 > ?"},
};

void add(std::vector<KeyNeed>& needs, std::string_view what, std::int64_t count) {
  if (count == 0) return;
  if (!needs.empty() && needs.back().what == what)
    needs.back().count += count;
  else
    needs.push_back({std::string(what), count});
}

Result<void> count(db::Session& session, std::vector<KeyNeed>& needs, std::string_view what,
                   const std::string& sql, std::vector<db::Value> parameters) {
  const auto rows = session.query(sql, parameters);
  if (!rows) return rows.error();
  add(needs, what, rows->at(0).integer(0));
  return {};
}

}  // namespace

Result<std::vector<KeyNeed>> key_needs(db::Session& session, KeyPurpose purpose, std::uint32_t version,
                                       Time now) {
  std::vector<KeyNeed> needs;
  Result<void> counted;
  switch (purpose) {
    case KeyPurpose::password_pepper:
      counted = count(session, needs, "passwords", "SELECT COUNT(*) FROM accounts WHERE password_hash LIKE ?",
                      {fmt::format("%$pepper={}$%", version)});
      break;
    case KeyPurpose::key_encryption:
      counted = count(session, needs, "data keys", "SELECT COUNT(*) FROM data_keys WHERE keyring_version = ?",
                      {std::int64_t{version}});
      break;
    case KeyPurpose::token_hash:
      for (const HashColumn& place : kHashColumns) {
        std::vector<db::Value> parameters{fmt::format("v{}:%", version)};
        if (place.alive.find('?') != place.alive.npos) parameters.push_back(to_micros(now));
        counted = count(session, needs, place.what,
                        fmt::format("SELECT COUNT(*) FROM {0} WHERE {1} LIKE ? AND {2}", place.table,
                                    place.column, place.alive),
                        std::move(parameters));
        if (!counted) break;
      }
      break;
    case KeyPurpose::token_signing:  // bearer tokens are stored nowhere
    case KeyPurpose::log_signing: break;
  }
  if (!counted) return counted.error();
  return needs;
}

}  // namespace bulkhead::identity

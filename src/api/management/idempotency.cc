#include "api/management/idempotency.h"

#include <fmt/format.h>

#include <charconv>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::api::management {
namespace {

constexpr auto kPurpose = crypto::KeyPurpose::token_hash;

std::string key_hash(std::string_view key) {
  return to_hex(as_bytes(crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(key))));
}

// Keyed, because a request may hold a password that could be guessed from its hash.
std::string request_hash(const crypto::Key& key, std::string_view request) {
  return fmt::format("v{}:{}", key.version,
                     to_hex(crypto::hmac_sha256(as_bytes(key.bytes.reveal()), as_bytes(request))));
}

bool same_request(const crypto::Keyring& keyring, std::string_view stored, std::string_view request) {
  std::uint32_t version = 0;
  if (stored.starts_with('v')) std::from_chars(stored.data() + 1, stored.data() + stored.size(), version);
  const crypto::Key* key = keyring.find(kPurpose, version);
  return key != nullptr &&
         crypto::equal_in_constant_time(as_bytes(request_hash(*key, request)), as_bytes(stored));
}

}  // namespace

Result<IdempotencyKeys::Claim> IdempotencyKeys::claim(std::int64_t account_id, std::string_view key,
                                                      std::string_view request) {
  const std::string hash = key_hash(key);
  Claim claim;
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    claim = {};
    const Time now = clock_.now();
    if (auto swept = session.execute("DELETE FROM idempotency_keys WHERE created_at < ?",
                                     {to_micros(now - kLifetime)});
        !swept)
      return swept.error();
    const auto inserted = session.execute(
        "INSERT INTO idempotency_keys (account_id, key_hash, request_hash, resource, created_at) "
        "VALUES (?, ?, ?, '', ?) ON CONFLICT (account_id, key_hash) DO NOTHING",
        {account_id, hash, request_hash(keyring_.current(kPurpose), request), to_micros(now)});
    if (!inserted) return inserted.error();
    if (*inserted == 1) return {};
    const auto rows = session.query(
        "SELECT request_hash, resource FROM idempotency_keys WHERE account_id = ? AND key_hash = ?",
        {account_id, hash});
    if (!rows) return rows.error();
    if (rows->empty()) return Error{Errc::unavailable, "the Idempotency-Key is in use; try again"};
    if (!same_request(keyring_, rows->front().text(0), request)) {
      claim.state = State::other_request;
      return {};
    }
    claim.resource = rows->front().text(1);
    claim.state = claim.resource.empty() ? State::under_way : State::made;
    return {};
  });
  if (!done) return done.error();
  return claim;
}

Result<void> IdempotencyKeys::complete(std::int64_t account_id, std::string_view key,
                                       std::string_view resource) {
  return database_.write([&](db::Session& session) -> Result<void> {
    const auto done =
        session.execute("UPDATE idempotency_keys SET resource = ? WHERE account_id = ? AND key_hash = ?",
                        {std::string(resource), account_id, key_hash(key)});
    if (!done) return done.error();
    return {};
  });
}

Result<void> IdempotencyKeys::abandon(std::int64_t account_id, std::string_view key) {
  return database_.write([&](db::Session& session) -> Result<void> {
    const auto done = session.execute(
        "DELETE FROM idempotency_keys WHERE account_id = ? AND key_hash = ? AND resource = ''",
        {account_id, key_hash(key)});
    if (!done) return done.error();
    return {};
  });
}

}  // namespace bulkhead::api::management

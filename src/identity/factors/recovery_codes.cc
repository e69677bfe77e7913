#include "identity/factors/recovery_codes.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "audit/outbox.h"
#include "base/bytes.h"
#include "crypto/base32.h"
#include "crypto/hash.h"
#include "identity/factors/factors.h"
#include "identity/people/account_event.h"
#include "identity/secrets/one_time_code.h"
#include "identity/secrets/stored_hash.h"
#include "identity/secrets/token_hash.h"

namespace bulkhead::identity {
namespace {

using audit::Action;

constexpr std::size_t kRandomBytes = 10;
constexpr std::size_t kCharacters = 16;
constexpr std::size_t kGroup = 4;

HashedFor code_of(std::int64_t account) { return {.use = "recovery-code", .account = account}; }

Secret<> in_groups(const Secret<>& characters) {
  std::string out;
  out.reserve(kCharacters + kCharacters / kGroup);
  for (std::size_t i = 0; i < characters.reveal().size(); ++i) {
    if (i > 0 && i % kGroup == 0) out.push_back('-');
    out.push_back(characters.reveal()[i]);
  }
  return Secret<>(std::move(out));
}

// As it was hashed; empty for what cannot be a code.
Secret<> as_hashed(const Secret<>& code) {
  std::string out;
  out.reserve(kCharacters);
  const Secret<> bare = without_separators(code);
  if (bare.reveal().size() != kCharacters) return {};
  for (const char c : bare.reveal()) {
    switch (c) {
      case '0': out.push_back('O'); break;
      case '1': out.push_back('I'); break;
      case '8': out.push_back('B'); break;
      default: out.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }
  }
  return Secret<>(std::move(out));
}

}  // namespace

RecoveryCodes::RecoveryCodes(db::Database& database, const crypto::Keyring& keyring, CodeLimiter& limiter,
                             const Clock& clock)
    : database_(database), keyring_(keyring), limiter_(limiter), clock_(clock) {}

Result<std::vector<Secret<>>> RecoveryCodes::regenerate(const Account& account, const audit::Origin& origin) {
  std::vector<Secret<>> codes;
  std::vector<std::string> hashes;
  codes.reserve(kRecoveryCodes);
  while (codes.size() < kRecoveryCodes) {
    const Secret<> random(crypto::random_bytes(kRandomBytes));
    const Secret<> characters(crypto::to_base32(as_bytes(random.reveal())));
    hashes.push_back(stored_hash(keyring_, code_of(account.id), characters.reveal()));
    codes.push_back(in_groups(characters));
  }
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    const auto factors = read_factors(session, account.id);
    if (!factors) return factors.error();
    if (!factors->enrolled())
      return Error{Errc::conflict, "recovery codes stand in for a second factor; enrol one first"};
    const auto gone = session.execute("DELETE FROM recovery_codes WHERE account_id = ?", {account.id});
    if (!gone) return gone.error();
    for (const std::string& hash : hashes) {
      const auto stored = session.execute(
          "INSERT INTO recovery_codes (account_id, hash, used_at) VALUES (?, ?, NULL)", {account.id, hash});
      if (!stored) return stored.error();
    }
    return audit::record(session, account_event(clock_, Action::recovery_codes_created, account, origin));
  });
  if (!done) return done.error();
  return codes;
}

Result<std::int64_t> RecoveryCodes::left(db::Session& session, std::int64_t account) const {
  const auto rows = session.query(
      fmt::format("SELECT COUNT(*) FROM recovery_codes WHERE account_id = ? AND used_at IS NULL AND {}",
                  stands_by(keyring_, "hash")),
      {account});
  if (!rows) return rows.error();
  return rows->at(0).integer(0);
}

Result<bool> RecoveryCodes::check(const Account& account, const Secret<>& code, const audit::Origin& origin) {
  const Secret<> hashed = as_hashed(code);
  if (hashed.empty()) return false;
  bool used = false;
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    used = false;
    const auto rows = session.query(
        fmt::format("SELECT hash FROM recovery_codes WHERE account_id = ? AND used_at IS NULL AND {}",
                    stands_by(keyring_, "hash")),
        {account.id});
    if (!rows) return rows.error();
    std::string found;
    for (const db::Row& row : *rows)
      if (matches_stored_hash(keyring_, row.text(0), code_of(account.id), hashed.reveal()))
        found = row.text(0);
    if (found.empty()) return {};
    const auto marked =
        session.execute("UPDATE recovery_codes SET used_at = ? WHERE account_id = ? AND hash = ?",
                        {to_micros(clock_.now()), account.id, found});
    if (!marked) return marked.error();
    used = true;
    return audit::record(session, account_event(clock_, Action::recovery_code_used, account, origin,
                                                std::to_string(rows->size() - 1)));
  });
  if (!done) return done.error();
  return used;
}

Result<void> RecoveryCodes::use(const Account& account, const Secret<>& code, const audit::Origin& origin,
                                const GuessSource& source) {
  return limiter_.attempt(account.id, source, [&] { return check(account, code, origin); });
}

}  // namespace bulkhead::identity

#include "identity/login/setup.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "audit/outbox.h"
#include "base/bytes.h"
#include "crypto/hash.h"
#include "identity/secrets/token_format.h"
#include "identity/secrets/token_hash.h"

namespace bulkhead::identity {
namespace {

constexpr std::chrono::hours kLifetime{1};

Error refused() {
  return {Errc::unauthenticated,
          "the setup token is wrong, used or older than an hour; restart the server for a new one, or run "
          "'bulkhead user create NAME --admin' on its machine"};
}

bool matches(const crypto::Keyring& keyring, std::string_view stored, std::string_view token) {
  return std::ranges::any_of(token_hashes(keyring, token), [&](const std::string& hash) {
    return crypto::equal_in_constant_time(as_bytes(hash), as_bytes(stored));
  });
}

Result<bool> any_account(db::Session& session) {
  const auto rows = session.query("SELECT 1 FROM accounts LIMIT 1");
  if (!rows) return rows.error();
  return !rows->empty();
}

Result<void> record(db::Session& session, Time now, audit::Action action, std::string_view target,
                    const audit::Origin& origin) {
  return audit::record(session, {.at = now,
                                 .action = action,
                                 .origin = origin,
                                 .repository = {},
                                 .target = std::string(target),
                                 .old_digest = {},
                                 .new_digest = {},
                                 .detail = {}});
}

// Success when `token` is the one that is stored, in time, and nobody has an account yet.
Result<void> check(db::Session& session, const crypto::Keyring& keyring, Time now, const Secret<>& token) {
  const auto any = any_account(session);
  if (!any) return any.error();
  const auto rows = session.query("SELECT hash, expires_at FROM setup_token WHERE id = 1");
  if (!rows) return rows.error();
  if (*any || rows->empty() || to_micros(now) >= rows->front().integer(1) ||
      !matches(keyring, rows->front().text(0), token.reveal()))
    return refused();
  return {};
}

}  // namespace

Setup::Setup(db::Database& database, const crypto::Keyring& keyring, Accounts& accounts, const Clock& clock)
    : database_(database), keyring_(keyring), accounts_(accounts), clock_(clock) {}

Result<std::optional<Secret<>>> Setup::issue() {
  Secret<> token = make_token(kSetupPrefix);
  const std::string hash = token_hash(keyring_, token.reveal());
  bool needed = false;
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    const auto any = any_account(session);
    if (!any) return any.error();
    needed = !*any;
    if (const auto gone = session.execute("DELETE FROM setup_token"); !gone) return gone.error();
    if (!needed) return {};
    const Time now = clock_.now();
    const auto stored = session.execute("INSERT INTO setup_token (id, hash, expires_at) VALUES (1, ?, ?)",
                                        {hash, to_micros(now + kLifetime)});
    if (!stored) return stored.error();
    return record(
        session, now, audit::Action::setup_token_created, "",
        {.account = {}, .credential = "operator", .address = "local", .user_agent = {}, .request_id = {}});
  });
  if (!done) return done.error();
  std::optional<Secret<>> issued;
  if (needed) issued = std::move(token);
  return issued;
}

Result<Account> Setup::redeem(const Secret<>& token, std::string_view name, const Secret<>& password,
                              const audit::Origin& origin) {
  if (!token_is_well_formed(kSetupPrefix, token.reveal())) return refused();
  // Before the slow hash, so that a wrong token costs nothing; again in the transaction, where it counts.
  const auto valid =
      database_.read([&](db::Session& session) { return check(session, keyring_, clock_.now(), token); });
  if (!valid) return valid.error();
  const auto prepared = accounts_.prepare(name, password, true);
  if (!prepared) return prepared.error();

  audit::Origin with_token = origin;
  with_token.credential = "setup-token";
  std::optional<Account> account;
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    const Time now = clock_.now();
    if (const auto still = check(session, keyring_, now, token); !still) return still.error();
    if (const auto burned = session.execute("DELETE FROM setup_token"); !burned) return burned.error();
    if (const auto recorded =
            record(session, now, audit::Action::setup_token_used, prepared->name, with_token);
        !recorded)
      return recorded.error();
    auto created = accounts_.create(session, *prepared, with_token);
    if (!created) return created.error();
    account = *std::move(created);
    return {};
  });
  if (!done) return done.error();
  return *std::move(account);
}

}  // namespace bulkhead::identity

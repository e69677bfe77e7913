#include "identity/login/sessions.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "audit/outbox.h"
#include "base/exact_cache.h"
#include "identity/login/access_token_rows.h"
#include "identity/secrets/token_format.h"
#include "identity/secrets/token_hash.h"

namespace bulkhead::identity {
namespace {

constexpr std::string_view kColumns =
    "id, account_id, client, address, credential_version, multi_factor, created_at, proved_at, expires_at";
constexpr std::size_t kClientBytes = 256;
constexpr std::int64_t kPruned = 1000;

Session session_from(const db::Row& row) {
  Session session;
  session.id = row.integer(0);
  session.account_id = row.integer(1);
  session.client = row.text(2);
  session.address = row.text(3);
  session.credential_version = row.integer(4);
  session.multi_factor = row.integer(5) != 0;
  session.created_at = from_micros(row.integer(6));
  session.proved_at = from_micros(row.integer(7));
  session.expires_at = from_micros(row.integer(8));
  return session;
}

std::int64_t micros(std::chrono::seconds duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

Error refused() { return {Errc::unauthenticated, "the session is not valid or has ended; log in again"}; }

Error no_session(std::int64_t id) {
  return {Errc::not_found, fmt::format("the account has no session number {}", id)};
}

std::string plain(std::string_view text) {
  std::string kept(text.substr(0, kClientBytes));
  std::ranges::replace_if(
      kept, [](char c) { return c < ' ' || c > '~'; }, '?');
  return kept;
}

crypto::SealContext seal_context(std::int64_t session_id) {
  return {"external_sessions", session_id, "sealed"};
}

// "" when the account is gone.
Result<std::string> read_account_name(db::Session& session, std::int64_t account_id) {
  const auto rows = session.query("SELECT name FROM accounts WHERE id = ?", {account_id});
  if (!rows) return rows.error();
  return rows->empty() ? std::string() : rows->front().text(0);
}

// What the log-in rests on is still there.
Result<void> check_backing(db::Session& session, std::int64_t account_id, const Sessions::Backing& backing) {
  const auto holds = session.query(
      "SELECT 1 FROM login_providers p JOIN external_identities e ON e.provider_id = p.id WHERE p.id = ? AND "
      "p.enabled = 1 AND p.settings = ? AND e.subject = ? AND e.account_id = ?",
      {backing.provider_id, backing.settings, backing.subject, account_id});
  if (!holds) return holds.error();
  if (!holds->empty()) return {};
  return Error{Errc::unauthenticated,
               "the log-in provider, or the tie to it, has changed since the log-in began; log in again"};
}

}  // namespace

struct Sessions::State {
  using Known = std::shared_ptr<const Session>;

  db::Database& database;
  const crypto::Keyring& keyring;
  crypto::Sealer& sealer;
  Accounts& accounts;
  Policies& policies;
  const Clock& clock;
  Options options;
  ExactCache<Fingerprint, std::int64_t, FingerprintHash> by_print;  // a fact that never changes
  ExactCache<std::int64_t, Known> by_id;

  State(db::Database& d, const crypto::Keyring& k, crypto::Sealer& s, Accounts& a, Policies& p,
        const Clock& c, Options o)
      : database(d),
        keyring(k),
        sealer(s),
        accounts(a),
        policies(p),
        clock(c),
        options(o),
        by_print(o.cached),
        by_id(o.cached) {}

  Known find(const Fingerprint& print) const {
    const auto id = by_print.find(print);
    return id ? by_id.find(*id).value_or(nullptr) : nullptr;
  }
  Result<Known> load(const Fingerprint& print, std::string_view token);
  Result<Checked> judge(const Known& session, const Account& account, const EffectivePolicy& policy,
                        std::string_view address) const;
  Result<void> record(db::Session& session, audit::Action action, std::string_view account, std::int64_t id,
                      const audit::Origin& origin) const;
  // Removes rows that the condition selects, with their events; the ids go to `ended`.
  Result<void> remove(db::Session& session, std::string_view condition, std::span<const db::Value> parameters,
                      std::int64_t account_id, std::vector<std::int64_t>& ended,
                      const audit::Origin& origin) const;
  Result<Started> start(const Account& account, bool multi_factor, const Backing* backing,
                        const audit::Origin& origin);
  Result<void> back(db::Session& session, std::int64_t id, const Backing& backing);
  void forget(const std::vector<std::int64_t>& ids) {
    for (const std::int64_t id : ids) by_id.forget(id);
  }
};

Result<Sessions::State::Known> Sessions::State::load(const Fingerprint& print, std::string_view token) {
  const auto hashes = token_hashes(keyring, token);
  const std::vector<db::Value> parameters(hashes.begin(), hashes.end());
  const auto print_ticket = by_print.begin();
  const auto id_ticket = by_id.begin();
  Known known;
  const auto done = database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(
        fmt::format("SELECT {} FROM sessions WHERE hash IN ({})", kColumns, placeholders(hashes.size())),
        std::span(parameters));
    if (!rows) return rows.error();
    if (rows->empty()) return refused();
    known = std::make_shared<const Session>(session_from(rows->front()));
    return {};
  });
  if (!done) return done.error();
  by_print.put(print_ticket, print, known->id);
  by_id.put(id_ticket, known->id, known);
  return known;
}

Result<Sessions::Checked> Sessions::State::judge(const Known& session, const Account& account,
                                                 const EffectivePolicy& policy,
                                                 std::string_view address) const {
  if (clock.now() >= session->expires_at || !account.active() ||
      account.credential_version != session->credential_version)
    return refused();
  if (!policy.allow(address)) return kept_out(Errc::unauthenticated, address);
  return Checked{session, policy.mfa_required && !session->multi_factor};
}

Result<void> Sessions::State::record(db::Session& session, audit::Action action, std::string_view account,
                                     std::int64_t id, const audit::Origin& origin) const {
  return audit::record(session, {.at = clock.now(),
                                 .action = action,
                                 .origin = origin,
                                 .repository = {},
                                 .target = std::string(account),
                                 .old_digest = {},
                                 .new_digest = {},
                                 .detail = fmt::format(R"({{"session":{}}})", id)});
}

Result<void> Sessions::State::remove(db::Session& session, std::string_view condition,
                                     std::span<const db::Value> parameters, std::int64_t account_id,
                                     std::vector<std::int64_t>& ended, const audit::Origin& origin) const {
  ended.clear();
  const auto account = read_account_name(session, account_id);
  if (!account) return account.error();
  const auto rows =
      session.query(fmt::format("DELETE FROM sessions WHERE {} RETURNING id", condition), parameters);
  if (!rows) return rows.error();
  for (const db::Row& row : *rows) {
    ended.push_back(row.integer(0));
    if (auto recorded = record(session, audit::Action::session_ended, *account, ended.back(), origin);
        !recorded)
      return recorded;
  }
  return {};
}

Result<void> Sessions::State::back(db::Session& session, std::int64_t id, const Backing& backing) {
  const auto sealed = sealer.seal(seal_context(id), backing.refresh);
  if (!sealed) return sealed.error();
  const auto kept = session.execute(
      "INSERT INTO external_sessions (session_id, provider_id, subject, sealed) VALUES (?, ?, ?, ?)",
      {id, backing.provider_id, backing.subject, *sealed});
  if (!kept) return kept.error();
  return {};
}

Result<Sessions::Started> Sessions::State::start(const Account& account, bool multi_factor,
                                                 const Backing* backing, const audit::Origin& origin) {
  Secret<> secret = make_token(kSessionPrefix);
  const std::string hash = token_hash(keyring, secret.reveal());
  std::vector<std::int64_t> displaced;
  std::optional<Session> started;
  const auto done = database.write([&](db::Session& session) -> Result<void> {
    const Time now = clock.now();
    const auto current = session.query(
        "SELECT 1 FROM accounts WHERE id = ? AND state = 'active' AND kind = 'person' AND credential_version "
        "= ?",
        {account.id, account.credential_version});
    if (!current) return current.error();
    if (current->empty())
      return Error{Errc::unauthenticated, "the account has changed since it logged in; log in again"};
    if (backing != nullptr)
      if (auto holds = check_backing(session, account.id, *backing); !holds) return holds;
    const std::vector<db::Value> room = {
        account.id, account.id, static_cast<std::int64_t>(std::max<std::size_t>(options.per_account, 1) - 1)};
    if (auto made = remove(session,
                           "account_id = ? AND id NOT IN (SELECT id FROM sessions WHERE account_id = ? "
                           "ORDER BY id DESC LIMIT ?)",
                           room, account.id, displaced, origin);
        !made)
      return made;
    const auto rows = session.query(
        fmt::format(
            "INSERT INTO sessions (account_id, hash, client, address, credential_version, multi_factor, "
            "created_at, proved_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING {}",
            kColumns),
        {account.id, hash, plain(origin.user_agent), plain(origin.address), account.credential_version,
         std::int64_t{multi_factor}, to_micros(now), to_micros(now), to_micros(now + options.lifetime)});
    if (!rows) return rows.error();
    started = session_from(rows->at(0));
    if (backing != nullptr)
      if (auto backed = back(session, started->id, *backing); !backed) return backed;
    return record(session, audit::Action::session_started, account.name, started->id, origin);
  });
  forget(displaced);
  if (!done) return done.error();
  return Started{*std::move(started), std::move(secret)};
}

Sessions::Sessions(db::Database& database, const crypto::Keyring& keyring, crypto::Sealer& sealer,
                   Accounts& accounts, Policies& policies, const Clock& clock, Options options)
    : state_(new State(database, keyring, sealer, accounts, policies, clock, options)) {}

Sessions::~Sessions() = default;

Result<Sessions::Started> Sessions::start(const Account& account, bool multi_factor,
                                          const audit::Origin& origin) {
  return state_->start(account, multi_factor, nullptr, origin);
}

Result<Sessions::Started> Sessions::start(const Account& account, bool multi_factor, const Backing& backing,
                                          const audit::Origin& origin) {
  return state_->start(account, multi_factor, &backing, origin);
}

Result<void> Sessions::prove(std::int64_t account_id, std::int64_t session_id, bool multi_factor) {
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    const auto changed = session.execute(
        "UPDATE sessions SET proved_at = ?, multi_factor = CASE WHEN ? = 1 THEN 1 ELSE multi_factor END "
        "WHERE id = ? AND account_id = ?",
        {to_micros(state_->clock.now()), std::int64_t{multi_factor}, session_id, account_id});
    if (!changed) return changed.error();
    if (*changed == 0) return no_session(session_id);
    return {};
  });
  state_->by_id.forget(session_id);
  return done;
}

Result<Sessions::Backing> Sessions::backing(std::int64_t session_id) {
  Backing backing;
  std::string sealed;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(
        "SELECT provider_id, subject, sealed FROM external_sessions WHERE session_id = ?", {session_id});
    if (!rows) return rows.error();
    if (rows->empty()) return Error{Errc::not_found, "no log-in provider stands behind the session"};
    backing.provider_id = rows->front().integer(0);
    backing.subject = rows->front().text(1);
    sealed = rows->front().text(2);
    return {};
  });
  if (!done) return done.error();
  auto refresh = state_->sealer.open(seal_context(session_id), sealed);
  if (!refresh) return refresh.error();
  backing.refresh = *std::move(refresh);
  return backing;
}

Result<Session> Sessions::refresh(std::int64_t session_id, const Secret<>& refresh,
                                  const audit::Origin& origin) {
  std::optional<Session> refreshed;
  const auto sealed = state_->sealer.seal(seal_context(session_id), refresh);
  if (!sealed) return sealed.error();
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    const Time now = state_->clock.now();
    const auto kept = session.execute(
        "UPDATE external_sessions SET sealed = ? WHERE session_id = ? AND "
        "provider_id IN (SELECT id FROM login_providers WHERE enabled = 1)",
        {*sealed, session_id});
    if (!kept) return kept.error();
    const auto rows = session.query(
        fmt::format("UPDATE sessions SET expires_at = CASE WHEN created_at + ? < ? THEN created_at + ? ELSE "
                    "? END WHERE id = ? AND expires_at > ? RETURNING {}",
                    kColumns),
        {micros(state_->options.longest), to_micros(now + state_->options.lifetime),
         micros(state_->options.longest), to_micros(now + state_->options.lifetime), session_id,
         to_micros(now)});
    if (!rows) return rows.error();
    if (*kept == 0 || rows->empty()) return no_session(session_id);
    refreshed = session_from(rows->front());
    const auto account = read_account_name(session, refreshed->account_id);
    if (!account) return account.error();
    return state_->record(session, audit::Action::session_refreshed, *account, session_id, origin);
  });
  state_->by_id.forget(session_id);
  if (!done) return done.error();
  return *std::move(refreshed);
}

Result<std::int64_t> Sessions::end_backed(std::int64_t provider_id, std::optional<std::string_view> subject,
                                          const audit::Origin& origin) {
  std::vector<std::int64_t> ended;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    ended.clear();
    std::string whose = "SELECT session_id FROM external_sessions WHERE provider_id = ?";
    std::vector<db::Value> parameters{provider_id};
    if (subject) {
      whose += " AND subject = ?";
      parameters.emplace_back(std::string(*subject));
    }
    const auto rows = session.query(
        fmt::format("SELECT s.id, a.name FROM sessions s JOIN accounts a ON a.id = s.account_id "
                    "WHERE s.id IN ({}) ORDER BY s.id",
                    whose),
        parameters);
    if (!rows) return rows.error();
    for (const db::Row& row : *rows) {
      ended.push_back(row.integer(0));
      const auto gone = session.execute("DELETE FROM sessions WHERE id = ?", {ended.back()});
      if (!gone) return gone.error();
      if (auto recorded =
              state_->record(session, audit::Action::session_ended, row.text(1), ended.back(), origin);
          !recorded)
        return recorded;
    }
    return {};
  });
  state_->forget(ended);
  if (!done) return done.error();
  return static_cast<std::int64_t>(ended.size());
}

std::optional<Result<Sessions::Checked>> Sessions::peek(std::string_view token,
                                                        std::string_view address) const {
  if (!token_is_well_formed(kSessionPrefix, token)) return refused();
  const State::Known known =
      state_->find(fingerprint(state_->keyring, crypto::KeyPurpose::token_hash, token));
  if (known == nullptr) return std::nullopt;
  const auto account = state_->accounts.peek(known->account_id);
  const auto policy = state_->policies.peek(known->account_id);
  if (account == nullptr || policy == nullptr) return std::nullopt;
  return state_->judge(known, *account, *policy, address);
}

Result<Sessions::Checked> Sessions::verify(std::string_view token, std::string_view address) {
  if (!token_is_well_formed(kSessionPrefix, token)) return refused();
  const Fingerprint print = fingerprint(state_->keyring, crypto::KeyPurpose::token_hash, token);
  State::Known known = state_->find(print);
  if (known == nullptr) {
    auto loaded = state_->load(print, token);
    if (!loaded) return loaded.error();
    known = *std::move(loaded);
  }
  const auto account = state_->accounts.find(known->account_id);
  if (!account) return account.error().code == Errc::not_found ? refused() : account.error();
  const auto policy = state_->policies.effective(known->account_id);
  if (!policy) return policy.error();
  return state_->judge(known, *account, **policy, address);
}

Result<void> Sessions::end(std::int64_t account_id, std::int64_t session_id, const audit::Origin& origin) {
  std::vector<std::int64_t> ended;
  const std::vector<db::Value> which = {account_id, session_id};
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    if (auto gone = state_->remove(session, "account_id = ? AND id = ?", which, account_id, ended, origin);
        !gone)
      return gone;
    if (ended.empty()) return no_session(session_id);
    return {};
  });
  state_->forget({session_id});
  return done;
}

Result<std::int64_t> Sessions::end_all(std::int64_t account_id, const audit::Origin& origin) {
  std::vector<std::int64_t> ended;
  const std::vector<db::Value> which = {account_id};
  const auto done = state_->database.write([&](db::Session& session) {
    return state_->remove(session, "account_id = ?", which, account_id, ended, origin);
  });
  state_->forget(ended);
  if (!done) return done.error();
  return static_cast<std::int64_t>(ended.size());
}

Result<std::vector<Session>> Sessions::list(std::int64_t account_id) {
  std::vector<Session> sessions;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    sessions.clear();
    const auto rows = session.query(
        fmt::format(
            "SELECT {} FROM sessions WHERE account_id = ? AND expires_at > ? AND credential_version = "
            "(SELECT a.credential_version FROM accounts a WHERE a.id = sessions.account_id AND "
            "a.state = 'active') AND {} ORDER BY id DESC",
            kColumns, stands_by(state_->keyring, "hash")),
        {account_id, to_micros(state_->clock.now())});
    if (!rows) return rows.error();
    for (const db::Row& row : *rows) sessions.push_back(session_from(row));
    return {};
  });
  if (!done) return done.error();
  return sessions;
}

Result<bool> Sessions::suspended(const Session& session) {
  const auto policy = state_->policies.effective(session.account_id);
  if (!policy) return policy.error();
  return ((*policy)->mfa_required && !session.multi_factor) || !(*policy)->allow(session.address);
}

Result<std::int64_t> Sessions::prune() {
  std::vector<std::int64_t> gone;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    gone.clear();
    const auto rows = session.query(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ? ORDER BY expires_at "
        "LIMIT ?) RETURNING id",
        {to_micros(state_->clock.now()), kPruned});
    if (!rows) return rows.error();
    for (const db::Row& row : *rows) gone.push_back(row.integer(0));
    return {};
  });
  state_->forget(gone);
  if (!done) return done.error();
  return static_cast<std::int64_t>(gone.size());
}

void Sessions::forget(std::int64_t session_id) { state_->by_id.forget(session_id); }

void Sessions::forget_all() {
  state_->by_print.forget_all();
  state_->by_id.forget_all();
}

}  // namespace bulkhead::identity

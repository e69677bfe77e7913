#include "identity/accounts.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "audit/outbox.h"
#include "base/exact_cache.h"
#include "oci/name.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

using audit::Action;

// The columns that account_from() reads; callers append what they need after them.
constexpr std::string_view kByName =
    "SELECT id, name, state, system_role, credential_version, created_at, password_hash FROM accounts "
    "WHERE name = ?";
constexpr std::string_view kById =
    "SELECT id, name, state, system_role, credential_version, created_at FROM accounts WHERE id = ?";
constexpr std::string_view kAll =
    "SELECT id, name, state, system_role, credential_version, created_at FROM accounts ORDER BY name";

Account account_from(const db::Row& row) {
  return {.id = row.integer(0),
          .name = row.text(1),
          .active = row.text(2) == "active",
          .administrator = row.text(3) == "administrator",
          .credential_version = row.integer(4),
          .created_at = from_micros(row.integer(5))};
}

Error taken(std::string_view name) {
  return {Errc::conflict, fmt::format("the name {} is taken; choose another", oci::quote(name))};
}

Error no_account(std::string_view name) {
  return {Errc::not_found, fmt::format("there is no account named {}", oci::quote(name))};
}

// Names that are none are not sent to the database, which may refuse their bytes in its own way.
bool may_exist(std::string_view name) { return oci::RepositoryName::parse(name).has_value(); }

Result<Accounts::Credentials> read_credentials(db::Session& session, std::string_view name) {
  if (!may_exist(name)) return no_account(name);
  auto rows = session.query(kByName, {std::string(name)});
  if (!rows) return rows.error();
  if (rows->empty()) return no_account(name);
  return Accounts::Credentials{account_from(rows->front()), rows->front().text(6)};
}

Result<bool> exists(db::Session& session, std::string_view sql, const std::string& name) {
  auto rows = session.query(sql, {name});
  if (!rows) return rows.error();
  return !rows->empty();
}

}  // namespace

struct Accounts::State {
  db::Database& database;
  const crypto::PasswordHasher& hasher;
  const Clock& clock;
  ExactCache<std::int64_t, std::shared_ptr<const Account>> cache;

  Result<void> record(db::Session& session, Action action, std::string_view target, std::string_view detail,
                      const audit::Origin& origin) const {
    return audit::record(session, {.at = clock.now(),
                                   .action = action,
                                   .origin = origin,
                                   .repository = {},
                                   .target = std::string(target),
                                   .old_digest = {},
                                   .new_digest = {},
                                   .detail = std::string(detail)});
  }

  // Runs `work` on the account in one transaction. Memory forgets the account whatever came of it: a commit
  // whose answer was lost on the way is a commit all the same.
  template <class F>
  Result<void> change(std::string_view name, const F& work) {
    std::int64_t id = 0;
    const auto done = database.write([&](db::Session& session) -> Result<void> {
      const auto found = read_credentials(session, name);
      if (!found) return found.error();
      id = found->account.id;
      return work(session, found->account);
    });
    if (id != 0) cache.forget(id);
    return done;
  }

  template <class Parameter>
  Result<Account> load(std::string_view sql, const Parameter& key, const Error& absent) {
    const auto ticket = cache.begin();
    std::optional<Account> account;
    const auto done = database.read([&](db::Session& session) -> Result<void> {
      const auto rows = session.query(sql, {key});
      if (!rows) return rows.error();
      if (rows->empty()) return absent;
      account = account_from(rows->front());
      return {};
    });
    if (!done) return done.error();
    cache.put(ticket, account->id, std::make_shared<const Account>(*account));
    return *std::move(account);
  }
};

Accounts::Accounts(db::Database& database, const crypto::PasswordHasher& hasher, const Clock& clock,
                   std::size_t cached)
    : state_(new State{database, hasher, clock,
                       ExactCache<std::int64_t, std::shared_ptr<const Account>>(cached)}) {}

Accounts::~Accounts() = default;

Result<Accounts::Prepared> Accounts::prepare(std::string_view name, const Secret<>& password,
                                             bool administrator) const {
  auto parsed = parse_account_name(name);
  if (!parsed) return parsed.error();
  if (const auto allowed = crypto::check_password_rules(password); !allowed) return allowed.error();
  return Prepared{*std::move(parsed), state_->hasher.hash(password), administrator};
}

Result<Account> Accounts::create(db::Session& session, const Prepared& prepared,
                                 const audit::Origin& origin) const {
  // A namespace may be there without an account of its name; giving it to a newcomer would give away what is
  // in it.
  for (const std::string_view sql :
       {"SELECT 1 FROM accounts WHERE name = ?", "SELECT 1 FROM namespaces WHERE name = ?"}) {
    const auto found = exists(session, sql, prepared.name);
    if (!found) return found.error();
    if (*found) return taken(prepared.name);
  }
  const Time now = state_->clock.now();
  const auto rows = session.query(
      "INSERT INTO accounts (name, state, system_role, password_hash, created_at) "
      "VALUES (?, 'active', ?, ?, ?) RETURNING id, name, state, system_role, credential_version, "
      "created_at",
      {prepared.name, std::string(prepared.administrator ? "administrator" : ""), prepared.password_hash,
       to_micros(now)});
  if (!rows) return rows.error();
  Account account = account_from(rows->at(0));
  if (const auto made =
          session.execute("INSERT INTO namespaces (name, owner_id, created_at) VALUES (?, ?, ?)",
                          {prepared.name, account.id, to_micros(now)});
      !made)
    return made.error();
  if (const auto recorded = state_->record(session, Action::account_created, prepared.name,
                                           prepared.administrator ? "administrator" : "", origin);
      !recorded)
    return recorded.error();
  return account;
}

Result<Account> Accounts::create(std::string_view name, const Secret<>& password, bool administrator,
                                 const audit::Origin& origin) {
  const auto prepared = prepare(name, password, administrator);
  if (!prepared) return prepared.error();
  std::optional<Account> account;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    auto created = create(session, *prepared, origin);
    if (!created) return created.error();
    account = *std::move(created);
    return {};
  });
  if (!done) return done.error().code == Errc::conflict ? taken(prepared->name) : done.error();
  return *std::move(account);
}

Result<void> Accounts::set_password(std::string_view name, const Secret<>& password,
                                    const audit::Origin& origin) {
  if (const auto allowed = crypto::check_password_rules(password); !allowed) return allowed.error();
  const std::string hash = state_->hasher.hash(password);
  return state_->change(name, [&](db::Session& session, const Account& account) -> Result<void> {
    const auto done = session.execute(
        "UPDATE accounts SET password_hash = ?, credential_version = credential_version + 1 WHERE id = ?",
        {hash, account.id});
    if (!done) return done.error();
    return state_->record(session, Action::account_password_changed, account.name, "", origin);
  });
}

Result<void> Accounts::set_active(std::string_view name, bool active, const audit::Origin& origin) {
  return state_->change(name, [&](db::Session& session, const Account& account) -> Result<void> {
    if (account.active == active) return {};
    // The version rises when disabling, so that enabling the account again does not bring its old tokens
    // back.
    const auto done = session.execute(
        "UPDATE accounts SET state = ?, credential_version = credential_version + ? WHERE id = ?",
        {std::string(active ? "active" : "disabled"), std::int64_t{!active}, account.id});
    if (!done) return done.error();
    return state_->record(session, active ? Action::account_enabled : Action::account_disabled, account.name,
                          "", origin);
  });
}

Result<void> Accounts::set_administrator(std::string_view name, bool administrator,
                                         const audit::Origin& origin) {
  return state_->change(name, [&](db::Session& session, const Account& account) -> Result<void> {
    if (account.administrator == administrator) return {};
    const auto done = session.execute("UPDATE accounts SET system_role = ? WHERE id = ?",
                                      {std::string(administrator ? "administrator" : ""), account.id});
    if (!done) return done.error();
    return state_->record(session, Action::account_role_changed, account.name,
                          administrator ? "administrator" : "member", origin);
  });
}

Result<Account> Accounts::find(std::string_view name) {
  if (!may_exist(name)) return no_account(name);
  return state_->load(kByName, std::string(name), no_account(name));
}

Result<Account> Accounts::find(std::int64_t id) {
  if (const auto known = peek(id)) return *known;
  return state_->load(kById, id, {Errc::not_found, fmt::format("there is no account number {}", id)});
}

std::shared_ptr<const Account> Accounts::peek(std::int64_t id) const {
  return state_->cache.find(id).value_or(nullptr);
}

Result<std::vector<Account>> Accounts::list() {
  std::vector<Account> accounts;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(kAll);
    if (!rows) return rows.error();
    accounts.clear();
    for (const db::Row& row : *rows) accounts.push_back(account_from(row));
    return {};
  });
  if (!done) return done.error();
  return accounts;
}

Result<bool> Accounts::any() {
  bool any = false;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query("SELECT 1 FROM accounts LIMIT 1");
    if (!rows) return rows.error();
    any = !rows->empty();
    return {};
  });
  if (!done) return done.error();
  return any;
}

Result<Accounts::Credentials> Accounts::credentials(std::string_view name) {
  std::optional<Credentials> credentials;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    auto found = read_credentials(session, name);
    if (!found) return found.error();
    credentials = *std::move(found);
    return {};
  });
  if (!done) return done.error();
  return *std::move(credentials);
}

Result<void> Accounts::upgrade_hash(std::int64_t id, std::string_view old_hash, std::string_view new_hash) {
  // Comparing with the old hash lets a password that was set in the meantime stand.
  return state_->database.write([&](db::Session& session) -> Result<void> {
    const auto done =
        session.execute("UPDATE accounts SET password_hash = ? WHERE id = ? AND password_hash = ?",
                        {std::string(new_hash), id, std::string(old_hash)});
    if (!done) return done.error();
    return {};
  });
}

}  // namespace bulkhead::identity

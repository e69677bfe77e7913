#include "identity/people/accounts.h"

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <utility>

#include "audit/outbox.h"
#include "base/exact_cache.h"
#include "base/log.h"
#include "identity/people/account_rows.h"
#include "identity/people/namespaces.h"
#include "identity/people/paging.h"
#include "identity/people/profile.h"
#include "identity/people/removal.h"
#include "identity/people/verified_address.h"
#include "identity/secrets/token_format.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

using audit::Action;

Error taken(std::string_view name) {
  return {Errc::conflict, fmt::format("the name {} is taken; choose another", oci::quote(name))};
}

std::string_view stored(SystemRole role) { return role == SystemRole::none ? "" : name(role); }

Action action_of(AccountState state) {
  switch (state) {
    case AccountState::active: return Action::account_enabled;
    case AccountState::disabled: return Action::account_disabled;
    case AccountState::locked: return Action::account_locked;
  }
  return Action::account_disabled;
}

// Evidence of how many access tokens went; "" for none.
std::string ended_tokens(std::int64_t count) {
  return count == 0 ? std::string() : fmt::format(R"({{"access_tokens":{}}})", count);
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
      const auto account = read_account(session, name);
      if (!account) return account.error();
      id = account->id;
      return work(session, *account);
    });
    if (id != 0) cache.forget(id);
    return done;
  }

  template <class Key>
  Result<Account> load(const Key& key) {
    const auto ticket = cache.begin();
    std::optional<Account> account;
    const auto done = database.read([&](db::Session& session) -> Result<void> {
      auto found = read_account(session, key);
      if (!found) return found.error();
      account = *std::move(found);
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

Result<void> Accounts::check(std::string_view name, const Secret<>& password) {
  if (const auto parsed = parse_account_name(name); !parsed) return parsed.error();
  return crypto::check_password_rules(password, kTokenPrefixes);
}

Result<Accounts::Prepared> Accounts::prepare(std::string_view name, const Secret<>& password,
                                             bool administrator) const {
  auto parsed = parse_account_name(name);
  if (!parsed) return parsed.error();
  if (const auto allowed = crypto::check_password_rules(password, kTokenPrefixes); !allowed)
    return allowed.error();
  return Prepared{*std::move(parsed), state_->hasher.hash(password), administrator};
}

Result<Account> Accounts::create(db::Session& session, const Prepared& prepared,
                                 const audit::Origin& origin) const {
  // A namespace may be there without an account of its name; giving it to a newcomer would give away what is
  // in it.
  if (const auto free = check_name_is_free(session, prepared.name); !free) return free.error();
  const Time now = state_->clock.now();
  const auto rows = session.query(
      "INSERT INTO accounts (name, state, system_role, password_hash, created_at) "
      "VALUES (?, 'active', ?, ?, ?) RETURNING id",
      {prepared.name, std::string(prepared.administrator ? "administrator" : ""), prepared.password_hash,
       to_micros(now)});
  if (!rows) return rows.error();
  auto account = read_account(session, rows->at(0).integer(0));
  if (!account) return account.error();
  if (const auto made =
          session.execute("INSERT INTO namespaces (name, owner_id, created_at) VALUES (?, ?, ?)",
                          {prepared.name, account->id, to_micros(now)});
      !made)
    return made.error();
  if (const auto recorded = state_->record(session, Action::account_created, prepared.name,
                                           prepared.administrator ? "administrator" : "", origin);
      !recorded)
    return recorded.error();
  return *std::move(account);
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
  if (const auto allowed = crypto::check_password_rules(password, kTokenPrefixes); !allowed)
    return allowed.error();
  const std::string hash = state_->hasher.hash(password);
  return state_->change(name, [&](db::Session& session, const Account& account) -> Result<void> {
    if (account.kind == AccountKind::robot)
      return Error{Errc::invalid_argument,
                   fmt::format("{} is a robot; robots have tokens", oci::quote(account.name))};
    const auto done =
        session.execute("UPDATE accounts SET password_hash = ? WHERE id = ?", {hash, account.id});
    if (!done) return done.error();
    const auto ended = end_credentials(session, account.id, state_->clock.now());
    if (!ended) return ended.error();
    return state_->record(session, Action::account_password_changed, account.name, ended_tokens(*ended),
                          origin);
  });
}

Result<void> Accounts::set_state(std::string_view name, AccountState state, const audit::Origin& origin,
                                 Lock lock) {
  return state_->change(name, [&](db::Session& session, const Account& account) -> Result<void> {
    if (account.state == state) return {};
    if (account.state == AccountState::locked && lock == Lock::stays)
      return Error{Errc::denied, fmt::format("{} is locked until an administrator has looked at it",
                                             oci::quote(account.name))};
    // One who is stopped already has no more to lose there, and an owner no more to give.
    if (account.active()) {
      if (const auto may = check_not_last_administrator(session, account); !may) return may.error();
      if (const auto may = check_owners_remain(session, account.id); !may) return may.error();
    }
    const auto done = session.execute("UPDATE accounts SET state = ? WHERE id = ?",
                                      {std::string(identity::name(state)), account.id});
    if (!done) return done.error();
    std::int64_t ended = 0;
    // Enabling the account again does not bring back what it had.
    if (state != AccountState::active) {
      const auto tokens = end_credentials(session, account.id, state_->clock.now());
      if (!tokens) return tokens.error();
      ended = *tokens;
      // Nobody comes in on the word of somebody who is out.
      const auto withdrawn = session.execute("DELETE FROM invitations WHERE invited_by = ?", {account.id});
      if (!withdrawn) return withdrawn.error();
    }
    return state_->record(session, action_of(state), account.name, ended_tokens(ended), origin);
  });
}

Result<void> Accounts::set_active(std::string_view name, bool active, const audit::Origin& origin) {
  return set_state(name, active ? AccountState::active : AccountState::disabled, origin);
}

Result<void> Accounts::set_system_role(std::string_view name, SystemRole role, const audit::Origin& origin) {
  return state_->change(name, [&](db::Session& session, const Account& account) -> Result<void> {
    if (account.system_role == role) return {};
    if (account.kind == AccountKind::robot)
      return Error{Errc::invalid_argument,
                   fmt::format("{} is a robot; system roles are for people", oci::quote(account.name))};
    if (const auto may = check_not_last_administrator(session, account); !may) return may.error();
    const auto done = session.execute("UPDATE accounts SET system_role = ? WHERE id = ?",
                                      {std::string(stored(role)), account.id});
    if (!done) return done.error();
    return state_->record(session, Action::account_role_changed, account.name, identity::name(role), origin);
  });
}

Result<void> Accounts::set_administrator(std::string_view name, bool administrator,
                                         const audit::Origin& origin) {
  return set_system_role(name, administrator ? SystemRole::administrator : SystemRole::none, origin);
}

Result<void> Accounts::set_profile(std::string_view name, const Profile& profile,
                                   const audit::Origin& origin) {
  auto display_name = parse_display_name(profile.display_name.value_or(""));
  if (!display_name) return display_name.error();
  auto email = parse_email(profile.email.value_or(""));
  if (!email) return email.error();
  return state_->change(name, [&](db::Session& session, const Account& account) -> Result<void> {
    Account next = account;
    if (profile.display_name) next.display_name = *display_name;
    if (profile.email) next.email = *email;
    next.email_verified =
        profile.email_verified.value_or(next.email == account.email && account.email_verified);
    if (next.email_verified && next.email.empty())
      return Error{Errc::invalid_argument, "there is no e-mail address that could be verified"};
    if (next.email_verified && !(account.email_verified && same_email(next.email, account.email))) {
      const auto holder = verified_elsewhere(session, next.email, account.id);
      if (!holder) return holder.error();
      if (!holder->empty())
        return Error{
            Errc::conflict,
            fmt::format("{} has been verified as the address of {}; give that account another address first, "
                        "or none",
                        next.email, oci::quote(*holder))};
    }

    std::string detail;
    const auto changed = [&](std::string_view key, const std::string& value) {
      detail += fmt::format("{}\"{}\":{}", detail.empty() ? "" : ",", key, value);
    };
    if (next.display_name != account.display_name) changed("display_name", json_quote(next.display_name));
    if (next.email != account.email) changed("email", json_quote(next.email));
    if (next.email_verified != account.email_verified)
      changed("email_verified", next.email_verified ? "true" : "false");
    if (detail.empty()) return {};

    const auto done =
        session.execute("UPDATE accounts SET display_name = ?, email = ?, email_verified = ? WHERE id = ?",
                        {next.display_name, next.email, std::int64_t{next.email_verified}, account.id});
    if (!done) return done.error();
    return state_->record(session, Action::account_profile_changed, account.name,
                          fmt::format("{{{}}}", detail), origin);
  });
}

Result<Account> Accounts::find(std::string_view name) { return state_->load(name); }

Result<Account> Accounts::find(std::int64_t id) {
  if (const auto known = peek(id)) return *known;
  return state_->load(id);
}

void Accounts::forget(std::int64_t id) { state_->cache.forget(id); }
void Accounts::forget_all() { state_->cache.forget_all(); }

std::shared_ptr<const Account> Accounts::peek(std::int64_t id) const {
  return state_->cache.find(id).value_or(nullptr);
}

Result<std::vector<Account>> Accounts::list() {
  return list({.after = {}, .limit = std::numeric_limits<std::int32_t>::max(), .kind = {}, .state = {}});
}

Result<std::vector<Account>> Accounts::list(const Page& page) {
  std::string sql = fmt::format("SELECT {} FROM accounts a WHERE a.name > ?", kAccountColumns);
  std::vector<db::Value> parameters{comparable_name(page.after)};
  if (page.kind) {
    sql += " AND a.kind = ?";
    parameters.emplace_back(std::string(name(*page.kind)));
  }
  if (page.state) {
    sql += " AND a.state = ?";
    parameters.emplace_back(std::string(name(*page.state)));
  }
  sql += " ORDER BY a.name LIMIT ?";
  parameters.emplace_back(sql_limit(page.limit));
  std::vector<Account> accounts;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(sql, parameters);
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
  if (!is_account_name(name)) return no_account(name);
  std::optional<Credentials> credentials;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(
        fmt::format("SELECT {}, a.password_hash FROM accounts a WHERE a.name = ? AND a.password_hash <> ''",
                    kAccountColumns),
        {std::string(name)});
    if (!rows) return rows.error();
    if (rows->empty()) return no_account(name);
    const db::Row& row = rows->front();
    credentials = Credentials{account_from(row), row.text(kAccountColumnCount)};
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

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "audit/outbox.h"
#include "base/log.h"
#include "base/shown.h"
#include "identity/login/access_token_rows.h"
#include "identity/login/access_tokens.h"
#include "identity/login/access_tokens_state.h"
#include "identity/secrets/token_format.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr seconds kDefaultWriting = 7 * 24h;
constexpr std::size_t kLongestName = 100;
constexpr std::int64_t kPruned = 1000;

struct Holder {
  std::string name;
  bool robot = false;
  bool active = false;
  std::int64_t token_version = 0;
};

Error invalid(std::string message) { return {Errc::invalid_argument, std::move(message)}; }

Result<void> check_wanted(const NewAccessToken& wanted) {
  if (wanted.name.empty() || wanted.name.size() > kLongestName || !shows(wanted.name))
    return invalid(fmt::format("a token's name has 1 to {} bytes, of characters that show", kLongestName));
  if (wanted.scopes.list().size() > TokenScopes::kMost)
    return invalid(fmt::format("a token has at most {} scopes", TokenScopes::kMost));
  if (wanted.scopes.list().empty() && wanted.management == Management::none)
    return invalid("a token without scopes and without management could do nothing; give it some");
  for (const TokenScope& scope : wanted.scopes.list())
    if (!scope.actions.any() || (scope.namespace_id != 0 && scope.repository_id != 0))
      return invalid("a scope has at least one action, on a repository, a namespace or everything");
  return {};
}

Result<seconds> lifetime(const NewAccessToken& wanted, seconds most) {
  if (!wanted.lifetime) return wanted.may_write() ? std::min(kDefaultWriting, most) : most;
  if (*wanted.lifetime < AccessTokens::kShortestLife || *wanted.lifetime > most)
    return invalid(
        fmt::format("a token lives between {} seconds and what policy allows, {} days and {} hours",
                    AccessTokens::kShortestLife.count(), most / 24h, most % 24h / 1h));
  return *wanted.lifetime;
}

Result<Holder> read_holder(db::Session& session, std::int64_t account_id) {
  const auto rows =
      session.query("SELECT name, kind, state, token_version FROM accounts WHERE id = ?", {account_id});
  if (!rows) return rows.error();
  if (rows->empty()) return Error{Errc::not_found, fmt::format("there is no account number {}", account_id)};
  const db::Row& row = rows->front();
  return Holder{row.text(0), row.text(1) == "robot", row.text(2) == "active", row.integer(3)};
}

Result<Holder> read_active_holder(db::Session& session, std::int64_t account_id) {
  auto holder = read_holder(session, account_id);
  if (holder && !holder->active)
    return Error{Errc::conflict, fmt::format("{} is not active; its tokens would be refused", holder->name)};
  return holder;
}

// `good`: a condition of SQL on t.hash.
Result<void> check_room(db::Session& session, std::string_view account, const std::string& good, Time now,
                        std::size_t most) {
  const std::string owner(sharer(account));
  // Robots are named OWNER+NAME, and ',' follows '+'.
  const auto rows = session.query(
      fmt::format("SELECT COUNT(*) FROM accounts a JOIN access_tokens t ON t.account_id = a.id "
                  "WHERE (a.name = ? OR (a.name > ? AND a.name < ?)) AND t.revoked_at IS NULL AND "
                  "t.expires_at > ? AND t.token_version = a.token_version AND {}",
                  good),
      {owner, owner + '+', owner + ',', to_micros(now)});
  if (!rows) return rows.error();
  const std::int64_t there = rows->at(0).integer(0);
  if (static_cast<std::size_t>(there) < most) return {};
  return Error{Errc::conflict,
               fmt::format("{} and its robots have {} access tokens, and may have {}; revoke some, or "
                           "raise limits.access_tokens",
                           owner, there, most)};
}

Result<void> check_targets(db::Session& session, const TokenScopes& scopes) {
  for (const TokenScope& scope : scopes.list()) {
    for (const auto& [id, sql] :
         {std::pair(scope.repository_id, "SELECT 1 FROM repositories WHERE id = ? AND removed_at IS NULL"),
          std::pair(scope.namespace_id, "SELECT 1 FROM namespaces WHERE id = ?")}) {
      if (id == 0) continue;
      const auto rows = session.query(sql, {id});
      if (!rows) return rows.error();
      if (rows->empty())
        return Error{Errc::name_unknown, "a scope names a repository or namespace that does not exist"};
    }
  }
  return {};
}

// A token of the account, whatever its state.
Result<AccessToken> read_own(db::Session& session, std::int64_t account_id, std::int64_t token_id) {
  auto token = read_token(session, token_id);
  if (!token) return token.error();
  if (!*token || (*token)->account_id != account_id) return no_access_token(token_id);
  return **std::move(token);
}

Result<void> set_revoked(db::Session& session, std::int64_t token_id, Time now) {
  const auto done =
      session.execute("UPDATE access_tokens SET revoked_at = ? WHERE id = ?", {to_micros(now), token_id});
  if (!done) return done.error();
  return {};
}

}  // namespace

Result<AccessTokens::Created> AccessTokens::State::insert(db::Session& session, AccessToken token, bool robot,
                                                          const audit::Origin& origin) const {
  Secret<> secret = make_token(robot ? kRobotTokenPrefix : kPersonalTokenPrefix);
  const auto id = insert_token(session, token, token_hash(keyring, secret.reveal()), origin.account);
  if (!id) return id.error();
  auto written = read_token(session, *id);
  if (!written) return written.error();
  return Created{**std::move(written), std::move(secret)};
}

Result<void> AccessTokens::State::record(db::Session& session, audit::Action action, std::string_view account,
                                         const AccessToken& token, std::int64_t successor,
                                         const audit::Origin& origin) const {
  std::string detail = fmt::format(R"({{"token":{},"name":{})", token.id, json_quote(token.name));
  if (successor != 0) detail += fmt::format(R"(,"successor":{})", successor);
  return audit::record(session, {.at = clock.now(),
                                 .action = action,
                                 .origin = origin,
                                 .repository = {},
                                 .target = std::string(account),
                                 .old_digest = {},
                                 .new_digest = {},
                                 .detail = detail + "}"});
}

Result<AccessTokens::Created> AccessTokens::create(const NewAccessToken& wanted,
                                                   const audit::Origin& origin) {
  if (const auto sound = check_wanted(wanted); !sound) return sound.error();
  std::optional<Created> created;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    const auto holder = read_active_holder(session, wanted.account_id);
    if (!holder) return holder.error();
    const auto policy = read_effective_policy(session, wanted.account_id);
    if (!policy) return policy.error();
    const auto life = lifetime(wanted, policy->token_life);
    if (!life) return life.error();
    const Time now = state_->clock.now();
    if (auto room = check_room(session, holder->name, stands_by(state_->keyring, "t.hash"), now,
                               state_->options.per_account);
        !room)
      return room;
    if (auto there = check_targets(session, wanted.scopes); !there) return there;
    AccessToken token;
    token.account_id = wanted.account_id;
    token.name = wanted.name;
    token.scopes = std::make_shared<const TokenScopes>(wanted.scopes);
    token.management = wanted.management;
    token.networks = wanted.networks;
    token.multi_factor = wanted.multi_factor;
    token.created_at = now;
    token.expires_at = now + *life;
    auto inserted = state_->insert(session, std::move(token), holder->robot, origin);
    if (!inserted) return inserted.error();
    created.emplace(*std::move(inserted));
    return state_->record(session, audit::Action::access_token_created, holder->name, created->token, 0,
                          origin);
  });
  if (!done) return done.error();
  return *std::move(created);
}

Result<AccessTokens::Created> AccessTokens::rotate(std::int64_t account_id, std::int64_t token_id,
                                                   seconds overlap, bool multi_factor,
                                                   const audit::Origin& origin) {
  if (overlap < 0s || overlap > kLongestOverlap)
    return invalid(fmt::format("the overlap is at most {} days", kLongestOverlap / 24h));
  std::optional<Created> created;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    const auto holder = read_active_holder(session, account_id);
    if (!holder) return holder.error();
    const auto old = read_own(session, account_id, token_id);
    if (!old) return old.error();
    const Time now = state_->clock.now();
    if (old->revoked() || now >= old->expires_at || old->successor_id != 0 ||
        old->token_version != holder->token_version)
      return Error{Errc::conflict,
                   "the access token is revoked, expired or already rotated; make a new one instead"};
    const auto policy = read_effective_policy(session, account_id);
    if (!policy) return policy.error();
    const seconds life = std::chrono::duration_cast<seconds>(old->expires_at - old->created_at);
    AccessToken token = *old;
    token.multi_factor = multi_factor;
    token.created_at = now;
    token.expires_at = now + std::min(life, policy->token_life);
    auto inserted = state_->insert(session, std::move(token), holder->robot, origin);
    if (!inserted) return inserted.error();
    created.emplace(*std::move(inserted));
    // What policy refuses must not come back by being shortened.
    const Time dies = life > policy->token_life ? now : std::min(old->expires_at, now + overlap);
    const auto linked =
        session.execute("UPDATE access_tokens SET successor_id = ?, expires_at = ? WHERE id = ?",
                        {created->token.id, to_micros(dies), token_id});
    if (!linked) return linked.error();
    return state_->record(session, audit::Action::access_token_rotated, holder->name, *old, created->token.id,
                          origin);
  });
  state_->by_id.forget(token_id);
  if (!done) return done.error();
  return *std::move(created);
}

Result<void> AccessTokens::revoke(std::int64_t account_id, std::int64_t token_id,
                                  const audit::Origin& origin) {
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    const auto holder = read_holder(session, account_id);
    if (!holder) return holder.error();
    const auto token = read_own(session, account_id, token_id);
    if (!token) return token.error();
    if (token->revoked()) return {};
    if (auto revoked = set_revoked(session, token_id, state_->clock.now()); !revoked) return revoked;
    return state_->record(session, audit::Action::access_token_revoked, holder->name, *token, 0, origin);
  });
  state_->by_id.forget(token_id);
  return done;
}

Result<std::int64_t> AccessTokens::revoke_all(std::int64_t account_id, const audit::Origin& origin) {
  std::vector<std::int64_t> ids;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    ids.clear();
    const auto holder = read_holder(session, account_id);
    if (!holder) return holder.error();
    const Time now = state_->clock.now();
    const auto rows = session.query(
        "UPDATE access_tokens SET revoked_at = ? WHERE account_id = ? AND revoked_at IS NULL AND expires_at "
        "> ? "
        "RETURNING id, name",
        {to_micros(now), account_id, to_micros(now)});
    if (!rows) return rows.error();
    for (const db::Row& row : *rows) {
      AccessToken token;
      token.id = row.integer(0);
      token.name = row.text(1);
      ids.push_back(token.id);
      if (auto recorded =
              state_->record(session, audit::Action::access_token_revoked, holder->name, token, 0, origin);
          !recorded)
        return recorded;
    }
    return {};
  });
  for (const std::int64_t id : ids) state_->by_id.forget(id);
  if (!done) return done.error();
  return static_cast<std::int64_t>(ids.size());
}

Result<std::int64_t> AccessTokens::prune(seconds kept) {
  std::vector<std::int64_t> ids;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    ids.clear();
    const auto rows =
        session.query("SELECT id FROM access_tokens WHERE expires_at < ? ORDER BY expires_at LIMIT ?",
                      {to_micros(state_->clock.now() - kept), kPruned});
    if (!rows) return rows.error();
    for (const db::Row& row : *rows) {
      for (const std::string_view sql :
           {"UPDATE access_tokens SET successor_id = NULL WHERE successor_id = ?",
            "DELETE FROM access_token_scopes WHERE token_id = ?", "DELETE FROM access_tokens WHERE id = ?"})
        if (const auto gone = session.execute(sql, {row.integer(0)}); !gone) return gone.error();
      ids.push_back(row.integer(0));
    }
    return {};
  });
  for (const std::int64_t id : ids) state_->by_id.forget(id);
  if (!done) return done.error();
  return static_cast<std::int64_t>(ids.size());
}

}  // namespace bulkhead::identity

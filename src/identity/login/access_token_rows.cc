#include "identity/login/access_token_rows.h"

#include <fmt/format.h>

#include <limits>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include "identity/secrets/token_hash.h"

namespace bulkhead::identity {
namespace {

constexpr std::string_view kColumns =
    "id, account_id, name, management, networks, created_at, created_by, expires_at, revoked_at, "
    "successor_id, "
    "last_used_at, last_used_address, last_used_client, hash, token_version, multi_factor";
constexpr std::size_t kHash = 13;

std::int64_t id_or_zero(const db::Row& row, std::size_t column) {
  return row.is_null(column) ? 0 : row.integer(column);
}

db::Value id_or_null(std::int64_t id) { return id == 0 ? db::Value() : db::Value(id); }

Error corrupt(std::int64_t id, const Error& why) {
  return {Errc::corrupt, fmt::format("access token {} cannot be read: {}", id, why.message)};
}

// Without its scopes.
Result<AccessToken> token_from(const db::Row& row) {
  AccessToken token;
  token.id = row.integer(0);
  token.account_id = row.integer(1);
  token.name = row.text(2);
  const auto management = parse_management(row.text(3));
  if (!management) return corrupt(token.id, management.error());
  token.management = *management;
  auto networks = Networks::parse(row.text(4));
  if (!networks) return corrupt(token.id, networks.error());
  token.networks = *std::move(networks);
  token.created_at = from_micros(row.integer(5));
  token.created_by = id_or_zero(row, 6);
  token.expires_at = from_micros(row.integer(7));
  if (!row.is_null(8)) token.revoked_at = from_micros(row.integer(8));
  token.successor_id = id_or_zero(row, 9);
  token.key_version = key_version(row.text(kHash));
  token.token_version = row.integer(kHash + 1);
  token.multi_factor = row.integer(kHash + 2) != 0;
  if (!row.is_null(10)) token.last_use = TokenUse{from_micros(row.integer(10)), row.text(11), row.text(12)};
  return token;
}

// The scopes of all tokens that the rows hold, which are of one account and in the order of their ids.
Result<std::map<std::int64_t, std::vector<TokenScope>>> read_scopes(db::Session& session,
                                                                    const std::vector<db::Row>& tokens) {
  const auto rows = session.query(
      "SELECT s.token_id, s.namespace_id, s.repository_id, s.actions FROM access_token_scopes s "
      "JOIN access_tokens t ON t.id = s.token_id WHERE t.account_id = ? AND t.id BETWEEN ? AND ? "
      "ORDER BY s.token_id, s.position",
      {tokens.front().integer(1), tokens.front().integer(0), tokens.back().integer(0)});
  if (!rows) return rows.error();
  std::map<std::int64_t, std::vector<TokenScope>> scopes;
  for (const db::Row& row : *rows) {
    const auto actions = TokenActions::parse(row.text(3));
    if (!actions) return corrupt(row.integer(0), actions.error());
    scopes[row.integer(0)].push_back({id_or_zero(row, 1), id_or_zero(row, 2), *actions});
  }
  return scopes;
}

Result<std::vector<AccessToken>> tokens_from(db::Session& session, const std::vector<db::Row>& rows) {
  std::vector<AccessToken> tokens;
  if (rows.empty()) return tokens;
  auto scopes = read_scopes(session, rows);
  if (!scopes) return scopes.error();
  for (const db::Row& row : rows) {
    auto token = token_from(row);
    if (!token) return token.error();
    token->scopes = std::make_shared<const TokenScopes>(std::move((*scopes)[token->id]));
    tokens.push_back(*std::move(token));
  }
  return tokens;
}

}  // namespace

std::string placeholders(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += i == 0 ? "?" : ", ?";
  return text;
}

Result<std::optional<StoredToken>> read_token(db::Session& session, const std::vector<std::string>& hashes) {
  const std::vector<db::Value> parameters(hashes.begin(), hashes.end());
  const auto rows = session.query(
      fmt::format("SELECT {} FROM access_tokens WHERE hash IN ({})", kColumns, placeholders(hashes.size())),
      std::span(parameters));
  if (!rows) return rows.error();
  auto tokens = tokens_from(session, *rows);
  if (!tokens) return tokens.error();
  if (tokens->empty()) return std::optional<StoredToken>();
  return std::optional(StoredToken{std::move(tokens->front()), rows->front().text(kHash)});
}

Result<std::optional<AccessToken>> read_token(db::Session& session, std::int64_t id) {
  const auto rows = session.query(fmt::format("SELECT {} FROM access_tokens WHERE id = ?", kColumns), {id});
  if (!rows) return rows.error();
  auto tokens = tokens_from(session, *rows);
  if (!tokens) return tokens.error();
  if (tokens->empty()) return std::optional<AccessToken>();
  return std::optional(std::move(tokens->front()));
}

Result<std::vector<AccessToken>> read_tokens(db::Session& session, std::int64_t account_id,
                                             std::int64_t after, std::size_t limit) {
  const auto rows = session.query(
      fmt::format("SELECT {} FROM access_tokens WHERE account_id = ? AND id > ? ORDER BY id LIMIT ?",
                  kColumns),
      {account_id, after,
       static_cast<std::int64_t>(std::min<std::size_t>(limit, std::numeric_limits<std::int32_t>::max()))});
  if (!rows) return rows.error();
  return tokens_from(session, *rows);
}

Result<std::int64_t> insert_token(db::Session& session, const AccessToken& token, const std::string& hash,
                                  const std::string& creator) {
  const auto rows = session.query(
      "INSERT INTO access_tokens (account_id, name, hash, management, networks, created_at, created_by, "
      "expires_at, multi_factor, token_version) VALUES (?, ?, ?, ?, ?, ?, (SELECT id FROM accounts WHERE "
      "name "
      "= ?), ?, ?, (SELECT token_version FROM accounts WHERE id = ?)) RETURNING id",
      {token.account_id, token.name, hash, std::string(name(token.management)), token.networks.text(),
       to_micros(token.created_at), creator, to_micros(token.expires_at), std::int64_t{token.multi_factor},
       token.account_id});
  if (!rows) return rows.error();
  const std::int64_t id = rows->at(0).integer(0);
  std::int64_t position = 0;
  for (const TokenScope& scope : token.scopes->list()) {
    const auto done = session.execute(
        "INSERT INTO access_token_scopes (token_id, position, repository_id, namespace_id, actions) "
        "VALUES (?, ?, ?, ?, ?)",
        {id, position++, id_or_null(scope.repository_id), id_or_null(scope.namespace_id),
         scope.actions.text()});
    if (!done) return done.error();
  }
  return id;
}

}  // namespace bulkhead::identity

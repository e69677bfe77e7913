#include "app/token_commands.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "oci/quote.h"

namespace bulkhead::app {
namespace {

namespace json = boost::json;
using identity::AccessToken;
using identity::TokenScope;

constexpr std::size_t kListed = 10'000;

Result<std::int64_t> id_of(Installation& installation, const access::GrantTarget& target) {
  std::int64_t id = 0;
  const auto done = installation.database().read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(target.is_namespace ? "SELECT id FROM namespaces WHERE name = ?"
                                                        : "SELECT id FROM repositories WHERE name = ?",
                                    {target.name});
    if (!rows) return rows.error();
    if (rows->empty())
      return Error{Errc::name_unknown,
                   fmt::format("there is no {} {}", target.is_namespace ? "namespace" : "repository",
                               oci::quote(target.name))};
    id = rows->front().integer(0);
    return {};
  });
  if (!done) return done.error();
  return id;
}

Result<TokenScope> parse_scope(Installation& installation, std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return Error{
        Errc::invalid_argument,
        fmt::format("{} is not a scope; write WHERE:ACTIONS, as in alice/app:pull,push", oci::quote(text))};
  const auto actions = identity::TokenActions::parse(text.substr(colon + 1));
  if (!actions) return actions.error();
  const std::string_view where = text.substr(0, colon);
  if (where == "*") return TokenScope{0, 0, *actions};
  const auto target = access::parse_grant_target(where);
  if (!target) return target.error();
  const auto id = id_of(installation, *target);
  if (!id) return id.error();
  return target->is_namespace ? TokenScope{*id, 0, *actions} : TokenScope{0, *id, *actions};
}

Result<identity::TokenScopes> parse_scopes(Installation& installation, std::string_view text) {
  std::vector<TokenScope> scopes;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word.empty()) continue;
    const auto scope = parse_scope(installation, word);
    if (!scope) return scope.error();
    scopes.push_back(*scope);
  }
  return identity::TokenScopes(std::move(scopes));
}

// As parse_scope() takes it.
Result<std::string> render(db::Session& session, const TokenScope& scope) {
  std::string where = "*";
  const bool repository = scope.repository_id != 0;
  if (repository || scope.namespace_id != 0) {
    const auto rows =
        session.query(repository ? "SELECT name FROM repositories WHERE id = ? AND removed_at IS NULL"
                                 : "SELECT name || '/' FROM namespaces WHERE id = ?",
                      {repository ? scope.repository_id : scope.namespace_id});
    if (!rows) return rows.error();
    where = rows->empty() ? std::string() : rows->front().text(0);
  }
  return fmt::format("{}:{}", where, scope.actions.text());
}

Result<json::object> render(Installation& installation, const AccessToken& token) {
  json::array scopes;
  const auto done = installation.database().read([&](db::Session& session) -> Result<void> {
    scopes.clear();
    for (const TokenScope& scope : token.scopes->list()) {
      const auto text = render(session, scope);
      if (!text) return text.error();
      scopes.emplace_back(*text);
    }
    return {};
  });
  if (!done) return done.error();
  const auto state = installation.access_tokens().state(token);
  if (!state) return state.error();
  json::object out{{"id", token.id},
                   {"name", token.name},
                   {"state", identity::name(*state)},
                   {"scopes", std::move(scopes)},
                   {"management", name(token.management)},
                   {"networks", token.networks.text()},
                   {"created_at", to_rfc3339(token.created_at)},
                   {"expires_at", to_rfc3339(token.expires_at)}};
  if (token.successor_id != 0) out["successor"] = token.successor_id;
  if (token.last_use) {
    out["last_used_at"] = to_rfc3339(token.last_use->at);
    out["last_used_address"] = token.last_use->address;
    out["last_used_client"] = token.last_use->client;
  }
  return out;
}

Result<json::value> render(Installation& installation,
                           const Result<identity::AccessTokens::Created>& created) {
  if (!created) return created.error();
  auto out = render(installation, created->token);
  if (!out) return out.error();
  (*out)["token"] = created->secret.reveal();
  return json::value(*std::move(out));
}

}  // namespace

Result<json::value> token_create(Installation& installation, Arguments& arguments,
                                 const audit::Origin& origin) {
  const std::string account_name = arguments.text("account");
  identity::NewAccessToken wanted;
  wanted.name = arguments.text("name");
  wanted.multi_factor = true;  // an operator's word counts as much
  const std::string scopes = arguments.text("scopes");
  const std::string management = arguments.text("management");
  const auto networks = identity::Networks::parse(arguments.text("networks"));
  const auto lifetime = arguments.integer("lifetime_seconds");
  if (auto checked = arguments.check(); !checked) return checked.error();
  const auto account = installation.accounts().find(account_name);
  if (!account) return account.error();
  wanted.account_id = account->id;
  auto parsed = parse_scopes(installation, scopes);
  if (!parsed) return parsed.error();
  wanted.scopes = *std::move(parsed);
  if (!management.empty()) {
    const auto known = identity::parse_management(management);
    if (!known) return known.error();
    wanted.management = *known;
  }
  if (!networks) return networks.error();
  wanted.networks = *networks;
  if (lifetime) wanted.lifetime = std::chrono::seconds(*lifetime);
  return render(installation, installation.access_tokens().create(wanted, origin));
}

Result<json::value> token_list(Installation& installation, Arguments& arguments) {
  const std::string account_name = arguments.text("account");
  if (auto checked = arguments.check(); !checked) return checked.error();
  const auto account = installation.accounts().find(account_name);
  if (!account) return account.error();
  const auto tokens = installation.access_tokens().list(account->id, 0, kListed);
  if (!tokens) return tokens.error();
  json::array out;
  for (const AccessToken& token : *tokens) {
    auto rendered = render(installation, token);
    if (!rendered) return rendered.error();
    out.push_back(*std::move(rendered));
  }
  return json::value(std::move(out));
}

Result<json::value> token_revoke(Installation& installation, Arguments& arguments,
                                 const audit::Origin& origin) {
  const std::string account_name = arguments.text("account");
  const auto id = arguments.integer("id");
  const bool all = arguments.flag("all");
  if (auto checked = arguments.check(); !checked) return checked.error();
  if (all == id.has_value())
    return Error{Errc::invalid_argument, "name the token by its number, or all of them"};
  const auto account = installation.accounts().find(account_name);
  if (!account) return account.error();
  if (all) {
    const auto revoked = installation.access_tokens().revoke_all(account->id, origin);
    if (!revoked) return revoked.error();
    return json::value(json::object{{"revoked", *revoked}});
  }
  if (auto revoked = installation.access_tokens().revoke(account->id, *id, origin); !revoked)
    return revoked.error();
  return json::value(json::object{{"revoked", 1}});
}

Result<json::value> token_rotate(Installation& installation, Arguments& arguments,
                                 const audit::Origin& origin) {
  const std::string account_name = arguments.text("account");
  const auto id = arguments.integer("id");
  const auto overlap = arguments.integer("overlap_seconds");
  if (auto checked = arguments.check(); !checked) return checked.error();
  if (!id) return Error{Errc::invalid_argument, "name the token by its number"};
  const auto account = installation.accounts().find(account_name);
  if (!account) return account.error();
  return render(installation, installation.access_tokens().rotate(
                                  account->id, *id, std::chrono::seconds(overlap.value_or(0)), true, origin));
}

}  // namespace bulkhead::app

#include "access/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <chrono>
#include <optional>

#include "oci/strict_json.h"

namespace bulkhead::access {
namespace {

namespace json = boost::json;

// Deep enough for access's actions; wide enough for any token that fits a header.
constexpr oci::JsonLimits kLimits{.depth = 8, .values = 10'000};
// The end of the year 9999: seconds up to here can be counted in microseconds, too.
constexpr std::int64_t kLastSecond = 253'402'300'799;
constexpr std::size_t kLongestId = 64;

std::int64_t seconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

std::optional<std::string_view> text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view(value->get_string());
}

std::optional<std::int64_t> integer(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return std::nullopt;
  return value->get_int64();
}

std::optional<Time> time(const json::object& object, std::string_view key) {
  const auto value = integer(object, key);
  if (!value || *value > kLastSecond) return std::nullopt;
  return Time(std::chrono::seconds(*value));
}

// An id as it is rendered, and no other way to write the number.
std::optional<std::int64_t> positive(std::string_view written) {
  std::int64_t id = 0;
  std::from_chars(written.data(), written.data() + written.size(), id);
  if (id <= 0 || fmt::to_string(id) != written) return std::nullopt;
  return id;
}

// 0 for "".
std::optional<std::int64_t> account_id(const json::object& object) {
  const auto written = text(object, "sub");
  if (!written) return std::nullopt;
  if (written->empty()) return 0;
  return positive(*written);
}

// False for what is no scope at all; one of a type that is not known is passed over.
bool take_scope(const json::value& value, std::vector<Scope>& scopes) {
  const json::object* object = value.if_object();
  if (object == nullptr) return false;
  const auto type = text(*object, "type");
  const auto scope_name = text(*object, "name");
  const json::value* actions = object->if_contains("actions");
  if (!type || !scope_name || actions == nullptr || !actions->is_array()) return false;
  Scope scope{Scope::Type::repository, std::string(*scope_name), {}};
  for (const json::value& action : actions->get_array()) {
    if (!action.is_string()) return false;
    scope.actions.add(std::string_view(action.get_string()));
  }
  if (*type == name(Scope::Type::catalog)) {
    scope.type = Scope::Type::catalog;
    if (scope.name != "catalog" || !scope.actions.all()) return true;
  } else if (*type != name(Scope::Type::repository)) {
    return true;
  }
  scopes.push_back(std::move(scope));
  return true;
}

std::optional<std::vector<Scope>> scopes_of(const json::object& object) {
  const json::value* access = object.if_contains("access");
  if (access == nullptr || !access->is_array()) return std::nullopt;
  std::vector<Scope> scopes;
  for (const json::value& value : access->get_array())
    if (!take_scope(value, scopes)) return std::nullopt;
  return scopes;
}

constexpr std::string_view kNoCeiling = "*";

std::string render_ceiling(const std::optional<identity::TokenScopes>& ceiling) {
  if (!ceiling) return std::string(kNoCeiling);
  std::string text;
  for (const identity::TokenScope& scope : ceiling->list()) {
    if (!text.empty()) text += ' ';
    if (scope.repository_id != 0)
      text += fmt::format("r{}:", scope.repository_id);
    else if (scope.namespace_id != 0)
      text += fmt::format("n{}:", scope.namespace_id);
    else
      text += "*:";
    text += scope.actions.text();
  }
  return text;
}

std::optional<identity::TokenScope> parse_ceiling_scope(std::string_view word) {
  const auto colon = word.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto actions = identity::TokenActions::parse(word.substr(colon + 1));
  if (!actions || actions->text() != word.substr(colon + 1)) return std::nullopt;
  const std::string_view where = word.substr(0, colon);
  if (where == "*") return identity::TokenScope{0, 0, *actions};
  if (!where.starts_with('n') && !where.starts_with('r')) return std::nullopt;
  const auto id = positive(where.substr(1));
  if (!id) return std::nullopt;
  return where.front() == 'n' ? identity::TokenScope{*id, 0, *actions}
                              : identity::TokenScope{0, *id, *actions};
}

// False for what is no ceiling.
bool take_ceiling(std::string_view text, std::optional<identity::TokenScopes>& ceiling) {
  ceiling.reset();
  if (text == kNoCeiling) return true;
  std::vector<identity::TokenScope> scopes;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    const auto scope = parse_ceiling_scope(word);
    if (!scope || word.size() + 1 == text.size()) return false;
    scopes.push_back(*scope);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  ceiling.emplace(std::move(scopes));
  return true;
}

Error malformed() { return {Errc::unauthenticated, "the token's claims are not those of this registry"}; }

}  // namespace

std::string render_claims(const Claims& claims) {
  json::array access;
  for (const Scope& scope : claims.scopes) {
    json::array actions;
    if (scope.type == Scope::Type::catalog)
      actions.emplace_back("*");
    else
      for (const std::string& action : scope.actions.render()) actions.emplace_back(action);
    access.push_back(
        json::object{{"type", name(scope.type)}, {"name", scope.name}, {"actions", std::move(actions)}});
  }
  json::object object{{"iss", claims.issuer},
                      {"aud", claims.audience},
                      {"sub", claims.account_id == 0 ? "" : fmt::to_string(claims.account_id)},
                      {"name", claims.account},
                      {"ver", claims.credential_version},
                      {"jti", claims.token_id},
                      {"tok", claims.access_token_id},
                      {"cap", render_ceiling(claims.ceiling)},
                      {"par", claims.parent_id},
                      {"iat", seconds(claims.issued_at)},
                      {"nbf", seconds(claims.not_before)},
                      {"exp", seconds(claims.expires_at)},
                      {"access", std::move(access)}};
  if (!claims.hashed.empty()) object["many"] = claims.hashed.render();
  return json::serialize(object);
}

Result<Claims> parse_claims(std::string_view source) {
  const auto document = oci::parse_strict_json(source, kLimits);
  if (!document || !document->is_object()) return malformed();
  const json::object& object = document->get_object();
  const auto issuer = text(object, "iss");
  const auto audience = text(object, "aud");
  const auto id = account_id(object);
  const auto account = text(object, "name");
  const auto version = integer(object, "ver");
  const auto token_id = text(object, "jti");
  const auto access_token_id = integer(object, "tok");
  const auto cap = text(object, "cap");
  const auto parent_id = text(object, "par");
  const auto issued_at = time(object, "iat");
  const auto not_before = time(object, "nbf");
  const auto expires_at = time(object, "exp");
  auto scopes = scopes_of(object);
  if (!issuer || !audience || !id || !account || !version || !token_id || !access_token_id || !cap ||
      !parent_id || !issued_at || !not_before || !expires_at || !scopes)
    return malformed();
  HashedScopes hashed;
  if (object.contains("many")) {
    const auto written = text(object, "many");
    auto many = written ? HashedScopes::parse(*written) : std::nullopt;
    if (!many) return malformed();
    hashed = *std::move(many);
  }
  std::optional<identity::TokenScopes> ceiling;
  if (!take_ceiling(*cap, ceiling)) return malformed();
  if (token_id->empty() || token_id->size() > kLongestId || parent_id->size() > kLongestId)
    return malformed();
  if (*id == 0 && (!account->empty() || *version != 0 || *access_token_id != 0 || !parent_id->empty()))
    return malformed();
  return Claims{.issuer = std::string(*issuer),
                .audience = std::string(*audience),
                .account_id = *id,
                .account = std::string(*account),
                .credential_version = *version,
                .token_id = std::string(*token_id),
                .access_token_id = *access_token_id,
                .ceiling = std::move(ceiling),
                .parent_id = std::string(*parent_id),
                .issued_at = *issued_at,
                .not_before = *not_before,
                .expires_at = *expires_at,
                .scopes = *std::move(scopes),
                .hashed = std::move(hashed)};
}

}  // namespace bulkhead::access

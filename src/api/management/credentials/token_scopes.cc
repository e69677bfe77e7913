#include "api/management/credentials/token_scopes.h"

#include <fmt/format.h>

#include "access/facts.h"
#include "access/roles.h"
#include "api/management/permission.h"
#include "api/management/vocabulary.h"
#include "db/database.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using identity::TokenActions;
using identity::TokenScope;

constexpr Field kScopeFields[] = {
    {"repository", &kGivenName, "One repository"},
    {"namespace", &kGivenName,
     "All repositories of one namespace, also those to come; \"/\" for the installation's"},
    {"actions", &kActions, "", kRequired},
};
constexpr Schema kScope = object("TokenScope", kScopeFields);

Error unknown(std::string_view kind, std::string_view name) {
  return {Errc::name_unknown, fmt::format("there is no {} {}, or it is not yours to see", kind, name)};
}

TokenActions read_actions(const json::array& words) {
  TokenActions actions;
  for (const json::value& word : words) {
    actions.pull = actions.pull || word == "pull";
    actions.push = actions.push || word == "push";
    actions.remove = actions.remove || word == "delete";
  }
  return actions;
}

Result<std::int64_t> repository_id(Call& call, std::string_view text) {
  const auto name = oci::RepositoryName::parse(text);
  if (!name) return name.error();
  const auto resolved = call.services.facts.resolve(call.caller.principal, *name);
  if (!resolved) return resolved.error();
  const bool visible = call.caller.is_operator ||
                       access::decide(call.caller.principal, access::Action::pull, resolved->standing);
  if (!resolved->repository || !visible) return unknown("repository", name->render());
  return resolved->repository->id;
}

Result<std::int64_t> namespace_id(Call& call, std::string_view text) {
  const std::string name = namespace_name(text);
  std::int64_t id = 0;
  const auto read = call.services.database.read([&](db::Session& session) -> Result<void> {
    const auto role = access::read_namespace_role(session, call.caller.principal.account_id, name);
    if (!role) return role.error();
    const bool visible = call.caller.is_operator || *role != access::Role::none ||
                         access::owns_installation(call.caller.principal, name);
    if (!visible) return unknown("namespace", text);
    const auto rows = session.query("SELECT id FROM namespaces WHERE name = ?", {name});
    if (!rows) return rows.error();
    if (rows->empty()) return unknown("namespace", text);
    id = rows->front().integer(0);
    return {};
  });
  if (!read) return read.error();
  return id;
}

// The account behind the credential: what it may see is no less for the token that it uses.
access::Principal account_of(const Call& call) {
  access::Principal account = call.caller.principal;
  account.token_id = 0;
  account.ceiling = nullptr;
  return account;
}

bool sees_all(const Call& call) {
  return call.caller.is_operator || call.may(access::SystemAction::read_directory);
}

// The repository's name, "" when it is gone or not the caller's to see, which are not told apart: the token
// may have kept in touch with it longer than the account.
Result<std::string> repository_name(const Call& call, const access::Principal& viewer, std::int64_t id) {
  std::string name;
  const auto read = call.services.database.read([&](db::Session& session) -> Result<void> {
    name.clear();
    const auto rows = session.query("SELECT name, visibility FROM repositories WHERE id = ?", {id});
    if (!rows) return rows.error();
    if (rows->empty()) return {};
    if (!sees_all(call) && rows->front().text(1) != "public") {
      const auto role = access::read_role(session, viewer, id);
      if (!role) return role.error();
      if (*role == access::Role::none) return {};
    }
    name = rows->front().text(0);
    return {};
  });
  if (!read) return read.error();
  return name;
}

// The same of a namespace.
Result<std::string> shown_namespace(const Call& call, const access::Principal& viewer, std::int64_t id) {
  std::string name;
  const auto read = call.services.database.read([&](db::Session& session) -> Result<void> {
    name.clear();
    const auto rows = session.query("SELECT name FROM namespaces WHERE id = ?", {id});
    if (!rows) return rows.error();
    if (rows->empty()) return {};
    const std::string& found = rows->front().text(0);
    if (!sees_all(call) && !access::owns_installation(viewer, found)) {
      const auto role = access::read_namespace_role(session, viewer.account_id, found);
      if (!role) return role.error();
      if (*role == access::Role::none) return {};
    }
    name = found.empty() ? "/" : found;
    return {};
  });
  if (!read) return read.error();
  return name;
}

}  // namespace

constinit const Schema kTokenScopes = list(kScope, identity::TokenScopes::kMost);

Result<identity::TokenScopes> read_scopes(Call& call, const json::value& scopes) {
  std::vector<TokenScope> out;
  for (const json::value& entry : scopes.as_array()) {
    const json::object& object = entry.as_object();
    const json::value* repository = object.if_contains("repository");
    const json::value* space = object.if_contains("namespace");
    TokenScope scope;
    scope.actions = read_actions(object.at("actions").as_array());
    if (!scope.actions.any()) return Error{Errc::invalid_argument, "a scope has at least one action"};
    if (repository != nullptr && space != nullptr)
      return Error{Errc::invalid_argument, "a scope has a repository or a namespace, not both"};
    if (repository != nullptr) {
      const auto id = repository_id(call, repository->as_string());
      if (!id) return id.error();
      scope.repository_id = *id;
    }
    if (space != nullptr) {
      const auto id = namespace_id(call, space->as_string());
      if (!id) return id.error();
      scope.namespace_id = *id;
    }
    out.push_back(scope);
  }
  return identity::TokenScopes(std::move(out));
}

Result<json::array> represent_scopes(const Call& call, const identity::TokenScopes& scopes) {
  return represent_scopes(call, scopes, account_of(call));
}

Result<json::array> represent_scopes(const Call& call, const identity::TokenScopes& scopes,
                                     const access::Principal& viewer) {
  json::array out;
  for (const TokenScope& scope : scopes.list()) {
    json::object entry;
    if (scope.repository_id != 0) {
      auto name = repository_name(call, viewer, scope.repository_id);
      if (!name) return name.error();
      if (name->empty()) continue;
      entry["repository"] = *name;
    }
    if (scope.namespace_id != 0) {
      auto name = shown_namespace(call, viewer, scope.namespace_id);
      if (!name) return name.error();
      if (name->empty()) continue;
      entry["namespace"] = *name;
    }
    json::array actions;
    if (scope.actions.pull) actions.push_back("pull");
    if (scope.actions.push) actions.push_back("push");
    if (scope.actions.remove) actions.push_back("delete");
    entry["actions"] = std::move(actions);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace bulkhead::api::management

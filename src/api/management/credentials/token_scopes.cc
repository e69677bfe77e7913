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

ScopeNames::ScopeNames(const Call& call) : ScopeNames(call, account_of(call)) {}

ScopeNames::ScopeNames(const Call& call, access::Principal viewer)
    : database_(call.services.database), viewer_(std::move(viewer)), sees_all_(sees_all(call)) {}

Result<json::array> ScopeNames::represent(const identity::TokenScopes& scopes) {
  if (auto learned = learn(scopes); !learned) return learned.error();
  json::array out;
  for (const TokenScope& scope : scopes.list()) {
    json::object entry;
    if (scope.repository_id != 0) {
      const std::string& name = repositories_.at(scope.repository_id);
      if (name.empty()) continue;
      entry["repository"] = name;
    }
    if (scope.namespace_id != 0) {
      const std::string& name = namespaces_.at(scope.namespace_id);
      if (name.empty()) continue;
      entry["namespace"] = name;
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

Result<void> ScopeNames::learn(const identity::TokenScopes& scopes) {
  std::set<std::int64_t> repositories;
  std::set<std::int64_t> namespaces;
  for (const TokenScope& scope : scopes.list()) {
    if (scope.repository_id != 0 && !repositories_.contains(scope.repository_id))
      repositories.insert(scope.repository_id);
    if (scope.namespace_id != 0 && !namespaces_.contains(scope.namespace_id))
      namespaces.insert(scope.namespace_id);
  }
  if (repositories.empty() && namespaces.empty()) return {};
  return database_.read([&](db::Session& session) -> Result<void> {
    if (auto read = learn_repositories(session, repositories); !read) return read;
    return learn_namespaces(session, namespaces);
  });
}

Result<void> ScopeNames::learn_repositories(db::Session& session, const std::set<std::int64_t>& ids) {
  if (ids.empty()) return {};
  const access::Readable readable = access::readable_by(viewer_);
  std::vector<db::Value> parameters;
  if (!sees_all_) parameters = readable.with_parameters;
  parameters.insert(parameters.end(), ids.begin(), ids.end());
  if (!sees_all_)
    parameters.insert(parameters.end(), readable.where_parameters.begin(), readable.where_parameters.end());
  std::string places(2 * ids.size() - 1, '?');
  for (std::size_t i = 1; i < places.size(); i += 2) places[i] = ',';
  const auto rows = session.query(
      fmt::format("{} SELECT r.id, r.name FROM repositories r JOIN namespaces n ON n.id = r.namespace_id "
                  "WHERE r.id IN ({}) AND r.removed_at IS NULL AND {}",
                  sees_all_ ? "" : readable.with, places, sees_all_ ? "1 = 1" : readable.where),
      parameters);
  if (!rows) return rows.error();
  for (const std::int64_t id : ids) repositories_[id].clear();
  for (const db::Row& row : *rows) repositories_[row.integer(0)] = row.text(1);
  return {};
}

// There are few of them.
Result<void> ScopeNames::learn_namespaces(db::Session& session, const std::set<std::int64_t>& ids) {
  for (const std::int64_t id : ids) {
    std::string& name = namespaces_[id];
    name.clear();
    const auto rows = session.query("SELECT name FROM namespaces WHERE id = ?", {id});
    if (!rows) return rows.error();
    if (rows->empty()) continue;
    const std::string& found = rows->front().text(0);
    if (!sees_all_ && !access::owns_installation(viewer_, found)) {
      const auto role = access::read_namespace_role(session, viewer_.account_id, found);
      if (!role) return role.error();
      if (*role == access::Role::none) continue;
    }
    name = found.empty() ? "/" : found;
  }
  return {};
}

}  // namespace bulkhead::api::management

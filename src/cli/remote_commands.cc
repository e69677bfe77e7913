#include "cli/remote_commands.h"

#include <fmt/format.h>

#include <map>

#include "cli/remote_tokens.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;
using Outcome = Result<json::value>;

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Outcome done(const Outcome& outcome) {
  if (!outcome) return outcome.error();
  return json::value(json::object{});
}
Outcome done(const Result<void>& outcome) {
  if (!outcome) return outcome.error();
  return json::value(json::object{});
}

json::object user_of(const json::value& representation) {
  const json::object& user = representation.as_object();
  return {{"name", user.at("name")},
          {"kind", user.at("kind")},
          {"state", user.at("state")},
          {"active", user.at("state") == "active"},
          {"system_role", user.at("system_role")},
          {"administrator", user.at("system_role") == "administrator"},
          {"created_at", user.at("created_at")}};
}

Outcome user_create(ApiClient& client, const json::object& command) {
  const auto made = client.create("/users", {{"name", command.at("name")},
                                             {"password", command.at("password")},
                                             {"administrator", command.at("admin")}});
  if (!made) return made.error();
  return json::value(user_of(*made));
}

Outcome user_list(ApiClient& client, const json::object&) {
  const auto users = client.list("/users");
  if (!users) return users.error();
  json::array out;
  for (const json::value& user : *users) out.push_back(user_of(user));
  return json::value(std::move(out));
}

Outcome user_password(ApiClient& client, const json::object& command) {
  return done(client.put(path_of("users", text(command, "name"), "password"),
                         {{"password", command.at("password")}}));
}

Outcome user_reset_factors(ApiClient& client, const json::object& command) {
  return done(client.remove(path_of("users", text(command, "name"), "factors")));
}

Outcome user_set(ApiClient& client, const json::object& command) {
  const std::string path = path_of("users", text(command, "name"));
  if (const json::value* active = command.if_contains("active"))
    return done(client.change(path, {{"state", active->as_bool() ? "active" : "disabled"}}));
  const json::value* replace = command.if_contains("replace");
  if (replace == nullptr || !replace->as_bool()) {
    const auto user = client.get(path);
    if (!user) return user.error();
    const std::string role = text(user->as_object(), "system_role");
    if (role != "none" && role != "administrator")
      return Error{Errc::conflict, fmt::format("{} is {}, and would lose that role; say so with --replace",
                                               text(command, "name"), role)};
  }
  return done(
      client.change(path, {{"system_role", command.at("admin").as_bool() ? "administrator" : "none"}}));
}

Outcome user_unlock(ApiClient& client, const json::object& command) {
  return done(client.remove(path_of("users", text(command, "name"), "log-in-limits")));
}

Outcome repo_list(ApiClient& client, const json::object&) {
  auto repositories = client.list("/repositories");
  if (!repositories) return repositories.error();
  return json::value(*std::move(repositories));
}

Outcome repo_create(ApiClient& client, const json::object& command) {
  auto made = client.create("/repositories", {{"name", command.at("name")}});
  const std::string owner = text(command, "owner");
  if (!made || owner.empty()) return made;
  return client.change(path_of("repositories", text(command, "name")), {{"owner", owner}});
}

Outcome repo_delete(ApiClient& client, const json::object& command) {
  return done(client.remove(path_of("repositories", text(command, "name"))));
}

Outcome repo_rename(ApiClient& client, const json::object& command) {
  return done(client.create(path_of("repositories", text(command, "name"), "rename"),
                            {{"name", command.at("new_name")}}));
}

Outcome repo_uploads(ApiClient& client, const json::object& command) {
  auto uploads = client.list(path_of("repositories", text(command, "name"), "uploads"));
  if (!uploads) return uploads.error();
  return json::value(*std::move(uploads));
}

Outcome repo_cancel_uploads(ApiClient& client, const json::object& command) {
  const std::string uploads = path_of("repositories", text(command, "name"), "uploads");
  if (const std::string id = text(command, "id"); !id.empty()) {
    if (auto ended = client.remove(uploads + path_of(id)); !ended) return ended.error();
    return json::value(json::object{{"cancelled", 1}});
  }
  const auto all = client.list(uploads);
  if (!all) return all.error();
  std::int64_t cancelled = 0;
  for (const json::value& upload : *all) {
    const auto ended = client.remove(uploads + path_of(text(upload.as_object(), "id")));
    // What is being sent, or has ended meanwhile.
    if (!ended && ended.error().code != Errc::upload_busy && ended.error().code != Errc::not_found)
      return ended.error();
    if (ended) ++cancelled;
  }
  return json::value(json::object{{"cancelled", cancelled}});
}

Outcome repo_set(ApiClient& client, const json::object& command) {
  json::object changes;
  for (const std::string_view field : {"visibility", "immutable_tags", "protected_tags", "contact", "owner"})
    if (const json::value* value = command.if_contains(field)) changes[field] = *value;
  return done(client.change(path_of("repositories", text(command, "name")), std::move(changes)));
}

std::string target_path(std::string_view target) {
  if (target == "/") return path_of("namespaces", "/");
  if (target.ends_with('/')) return path_of("namespaces", target.substr(0, target.size() - 1));
  return path_of("repositories", target);
}

std::string grant_path(const json::object& command) {
  return target_path(text(command, "target")) + path_of("grants", text(command, "subject"));
}

Outcome grant_set(ApiClient& client, const json::object& command) {
  return done(client.put(grant_path(command), {{"role", command.at("role")}}));
}

Outcome grant_remove(ApiClient& client, const json::object& command) {
  return done(client.remove(grant_path(command)));
}

Outcome grant_list(ApiClient& client, const json::object& command) {
  const std::string repository = text(command, "repository");
  if (repository.empty()) {
    auto grants = client.list("/grants");
    if (!grants) return grants.error();
    return json::value(*std::move(grants));
  }
  const json::value* given = command.if_contains("given");
  if (repository.ends_with('/') || (given != nullptr && given->as_bool())) {
    auto grants = client.list(target_path(repository) + "/grants");
    if (!grants) return grants.error();
    for (json::value& grant : *grants) grant.as_object()["target"] = repository;
    return json::value(*std::move(grants));
  }
  const auto access = client.list(path_of("repositories", repository, "access"));
  if (!access) return access.error();
  json::array out;
  for (const json::value& entry : *access)
    for (const json::value& reason : entry.at("reasons").as_array()) {
      std::string through(reason.at("kind").as_string());
      for (char& c : through)
        if (c == '_') c = ' ';
      if (const std::string team = text(reason.as_object(), "team"); !team.empty()) through += " to " + team;
      out.push_back(json::object{{"account", entry.at("account")},
                                 {"role", entry.at("role")},
                                 {"through", through},
                                 {"gives", reason.at("role")}});
    }
  return json::value(std::move(out));
}

Outcome namespace_set(ApiClient& client, const json::object& command) {
  const json::value& quota = command.at("quota");
  const bool none = quota.is_int64() && quota.as_int64() < 0;
  return done(client.change(path_of("namespaces", text(command, "name")),
                            {{"quota_bytes", none ? json::value(nullptr) : quota}}));
}

Outcome namespace_list(ApiClient& client, const json::object&) {
  const auto namespaces = client.list("/namespaces");
  if (!namespaces) return namespaces.error();
  json::array out;
  for (const json::value& each : *namespaces) {
    json::object row = each.as_object();
    const std::string name = text(row, "name");
    row["name"] = name == "/" ? name : name + "/";
    row.erase("organization");
    out.push_back(std::move(row));
  }
  return json::value(std::move(out));
}

const std::map<std::string_view, RemoteCommand>& commands() {
  static const std::map<std::string_view, RemoteCommand> all = {
      {"user.create", user_create},
      {"user.list", user_list},
      {"user.password", user_password},
      {"user.set", user_set},
      {"user.unlock", user_unlock},
      {"user.reset_factors", user_reset_factors},
      {"repo.list", repo_list},
      {"repo.create", repo_create},
      {"repo.delete", repo_delete},
      {"repo.set", repo_set},
      {"repo.rename", repo_rename},
      {"repo.uploads", repo_uploads},
      {"repo.cancel_uploads", repo_cancel_uploads},
      {"grant.set", grant_set},
      {"grant.remove", grant_remove},
      {"grant.list", grant_list},
      {"namespace.set", namespace_set},
      {"namespace.list", namespace_list},
      {"token.create", remote_token_create},
      {"token.list", remote_token_list},
      {"token.revoke", remote_token_revoke},
      {"token.rotate", remote_token_rotate},
  };
  return all;
}

}  // namespace

RemoteCommand find_remote_command(const json::object& command) {
  const auto found = commands().find(text(command, "command"));
  return found == commands().end() ? nullptr : found->second;
}

}  // namespace bulkhead::cli

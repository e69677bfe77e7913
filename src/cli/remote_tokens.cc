#include "cli/remote_tokens.h"

#include <fmt/format.h>

namespace bulkhead::cli {
namespace {

namespace json = boost::json;
using Outcome = Result<json::value>;

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// The words of a text with spaces between them.
std::vector<std::string_view> words_of(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!word.empty()) out.push_back(word);
  }
  return out;
}

Result<json::object> api_scope(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return Error{Errc::invalid_argument,
                 fmt::format("\"{}\" is not a scope; write WHERE:ACTIONS, as in alice/app:pull,push", text)};
  const std::string_view where = text.substr(0, colon);
  std::string_view actions = text.substr(colon + 1);
  if (actions == "*") actions = "pull,push,delete";
  json::object out;
  if (where == "/")
    out["namespace"] = "/";
  else if (where.ends_with('/'))
    out["namespace"] = where.substr(0, where.size() - 1);
  else if (where != "*")
    out["repository"] = where;
  json::array list;
  for (const std::string_view action : words_of(actions, ',')) list.push_back(json::string(action));
  out["actions"] = std::move(list);
  return out;
}

std::string joined(const json::array& texts) {
  std::string out;
  for (const json::value& each : texts) {
    if (!out.empty()) out += ' ';
    out += std::string_view(each.as_string());
  }
  return out;
}

// As the operator's command has it.
json::object token_of(const json::value& representation) {
  json::object token = representation.as_object();
  token["scopes"] = scope_texts(token.at("scopes").as_array());
  token["networks"] = joined(token.at("networks").as_array());
  if (const json::value* last = token.if_contains("last_use")) {
    const json::object use = last->as_object();
    token["last_used_at"] = use.at("at");
    token["last_used_address"] = use.at("address");
    token["last_used_client"] = use.at("client");
    token.erase("last_use");
  }
  return token;
}

Outcome created(const Outcome& answer) {
  if (!answer) return answer.error();
  json::object out = token_of(answer->at("token"));
  out["token"] = answer->at("secret");
  return json::value(std::move(out));
}

std::string tokens_path(const json::object& command) {
  return path_of("users", text(command, "account"), "tokens");
}

}  // namespace

Result<json::array> api_scopes(std::string_view text) {
  json::array out;
  for (const std::string_view word : words_of(text, ' ')) {
    auto scope = api_scope(word);
    if (!scope) return scope.error();
    out.push_back(*std::move(scope));
  }
  return out;
}

json::array scope_texts(const json::array& scopes) {
  json::array out;
  for (const json::value& scope : scopes) {
    const json::object& object = scope.as_object();
    std::string where = text(object, "repository");
    if (const std::string space = text(object, "namespace"); !space.empty())
      where = space == "/" ? space : space + "/";
    if (where.empty()) where = "*";
    std::string actions;
    for (const json::value& action : object.at("actions").as_array())
      actions += fmt::format("{}{}", actions.empty() ? "" : ",", std::string_view(action.as_string()));
    out.push_back(json::string(fmt::format("{}:{}", where, actions)));
  }
  return out;
}

Outcome remote_token_create(ApiClient& client, const json::object& command) {
  auto scopes = api_scopes(text(command, "scopes"));
  if (!scopes) return scopes.error();
  json::array networks;
  const std::string listed = text(command, "networks");
  for (const std::string_view network : words_of(listed, ' ')) networks.push_back(json::string(network));
  json::object body{{"name", command.at("name")},
                    {"scopes", *std::move(scopes)},
                    {"management", command.at("management")},
                    {"networks", std::move(networks)}};
  if (const json::value* seconds = command.if_contains("lifetime_seconds"))
    body["lifetime_seconds"] = *seconds;
  return created(client.create(tokens_path(command), std::move(body)));
}

Outcome remote_token_list(ApiClient& client, const json::object& command) {
  const auto tokens = client.list(tokens_path(command));
  if (!tokens) return tokens.error();
  json::array out;
  for (const json::value& token : *tokens) out.push_back(token_of(token));
  return json::value(std::move(out));
}

Outcome remote_token_revoke(ApiClient& client, const json::object& command) {
  const json::value* id = command.if_contains("id");
  const bool all = command.contains("all");
  if (all == (id != nullptr))
    return Error{Errc::invalid_argument, "name the token by its number, or all of them"};
  const std::string path = tokens_path(command);
  std::int64_t count = 1;
  if (all) {
    const auto standing = remote_token_list(client, command);
    if (!standing) return standing.error();
    count = 0;
    for (const json::value& token : standing->as_array())
      if (token.at("state") != "revoked" && token.at("state") != "expired") ++count;
  }
  const auto removed = client.remove(all ? path : path + path_of(std::to_string(id->as_int64())));
  if (!removed) return removed.error();
  return json::value(json::object{{"revoked", count}});
}

Outcome remote_token_rotate(ApiClient& client, const json::object& command) {
  return created(
      client.create(tokens_path(command) + path_of(std::to_string(command.at("id").as_int64()), "rotation"),
                    {{"overlap_seconds", command.at("overlap_seconds")}}));
}

}  // namespace bulkhead::cli

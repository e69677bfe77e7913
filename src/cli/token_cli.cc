#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/say.h"
#include "cli/command_line.h"
#include "cli/confirm.h"
#include "cli/terminal.h"
#include "config/value.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

// Of a token, in seconds.
constexpr std::int64_t kShortestLife = 60;
constexpr std::int64_t kLongestLife = std::int64_t{365} * 24 * 3600;

struct TokenOptions {
  std::string account;
  std::string name;
  std::vector<std::string> scopes;
  std::string management = "none";
  std::vector<std::string> networks;
  std::string lifetime;
  std::string overlap = "24h";
  std::int64_t id = 0;
  bool all = false;
};

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string text(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string scopes_of(const json::object& token) {
  std::vector<std::string> scopes;
  for (const json::value& scope : token.at("scopes").as_array()) scopes.emplace_back(scope.as_string());
  return join(scopes);
}

void print_created(const json::value& value) {
  const json::object& token = value.as_object();
  say("{}\nToken {} ({}) works until {}. It is not shown again.\n", text(token, "token"),
      token.at("id").as_int64(), text(token, "name"), text(token, "expires_at"));
}

std::string lost(const TokenOptions& options, const json::value& token) {
  return fmt::format("token {} was made and could not be shown; end it with: bulkhead token revoke {} {}",
                     token.at("id").as_int64(), options.account, token.at("id").as_int64());
}

Rows token_rows(const json::value& value) {
  Rows rows{{"NUMBER", "NAME", "STATE", "EXPIRES", "LAST USED", "FROM", "SCOPES"}};
  for (const json::value& each : value.as_array()) {
    const json::object& token = each.as_object();
    rows.push_back({std::to_string(token.at("id").as_int64()), text(token, "name"), text(token, "state"),
                    text(token, "expires_at"), text(token, "last_used_at"), text(token, "last_used_address"),
                    scopes_of(token)});
  }
  return rows;
}

void print_revoked(const json::value& value) {
  say("{} revoked\n", value.as_object().at("revoked").as_int64());
}

Result<std::int64_t> seconds(const std::string& text) {
  const auto duration = config::as_duration(config::Value(config::Untyped{text}));
  if (!duration)
    return Error{Errc::invalid_argument, fmt::format("\"{}\" is no duration; write 90s, 12h or 30d", text)};
  return std::chrono::duration_cast<std::chrono::seconds>(*duration).count();
}

Result<void> check_actions(const std::string& scope) {
  const auto mark = scope.rfind(':');
  if (mark == std::string::npos || scope.substr(mark + 1) == "*") return {};
  bool pulls = false;
  bool pushes = false;
  std::string_view rest = std::string_view(scope).substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view action = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), action.size() + 1));
    pulls = pulls || action == "pull";
    pushes = pushes || action == "push";
    if (action != "pull" && action != "push" && action != "delete")
      return Error{Errc::invalid_argument,
                   fmt::format("\"{}\" is no action; write pull, push or delete after {}:", action,
                               scope.substr(0, mark))};
  }
  // A push looks at what is there first.
  if (pulls || !pushes) return {};
  return Error{Errc::invalid_argument,
               fmt::format("pushing takes pulling as well; write {}:pull,push", scope.substr(0, mark))};
}

Result<json::object> create_command(const TokenOptions& options) {
  for (const std::string& scope : options.scopes)
    if (auto checked = check_actions(scope); !checked) return checked.error();
  json::object command{{"command", "token.create"},
                       {"account", options.account},
                       {"name", options.name},
                       {"scopes", join(options.scopes)},
                       {"management", options.management},
                       {"networks", join(options.networks)}};
  if (!options.lifetime.empty()) {
    const auto life = seconds(options.lifetime);
    if (!life) return life.error();
    if (*life < kShortestLife || *life > kLongestLife)
      return Error{Errc::invalid_argument,
                   fmt::format("\"{}\" is no life of a token; it is between 1m and 365d", options.lifetime)};
    command["lifetime_seconds"] = *life;
  }
  return command;
}

Result<json::object> revoke_command(const TokenOptions& options) {
  json::object command{{"command", "token.revoke"}, {"account", options.account}};
  if (options.all) command["all"] = true;
  if (options.id != 0) command["id"] = options.id;
  return command;
}

Result<json::object> rotate_command(const TokenOptions& options) {
  const auto overlap = seconds(options.overlap);
  if (!overlap) return overlap.error();
  return json::object{{"command", "token.rotate"},
                      {"account", options.account},
                      {"id", options.id},
                      {"overlap_seconds", *overlap}};
}

Result<json::object> list_command(const TokenOptions& options) {
  return json::object{{"command", "token.list"}, {"account", options.account}};
}

}  // namespace

void add_token_commands(Command& app, CommandLine& line) {
  auto* token = app.add_subcommand("token", "Access tokens: create, list, revoke, rotate");
  token->require_subcommand();
  const auto options = std::make_shared<TokenOptions>();
  const auto add = [&](const std::string& name, const std::string& about,
                       Result<json::object> (*command_of)(const TokenOptions&), const Printer& print,
                       bool once = false) {
    auto* command = token->add_subcommand(name, about);
    add_settings(*command, line, false);
    command->add_flag("--json", line.json, "Print JSON, for scripts");
    command->add_option("account", options->account, "The account, or a robot's ORGANIZATION+NAME")
        ->required();
    command->callback([&line, options, command_of, print, once] {
      if (once) line.lost = [options](const json::value& made) { return lost(*options, made); };
      line.action = [&line, options, command_of, print]() -> Result<void> {
        const auto command_object = command_of(*options);
        if (!command_object) return command_object.error();
        return perform(line, *command_object, print);
      };
    });
    return command;
  };

  auto* create = add("create", "Make a token, which is shown once", create_command, print_created, true);
  create->add_option("name", options->name, "What it is for, such as 'ci'")->required();
  create->add_option(
      "--scope", options->scopes,
      "WHERE:ACTIONS, several times if need be: a repository (alice/app:pull,push), a namespace "
      "(alice/:pull) or everything that the account may reach (*:pull); pushing takes pull,push");
  create->add_option("--management", options->management, "What it may do in the management API")
      ->one_of({"none", "read", "write"});
  create->add_option(
      "--network", options->networks,
      "A network that it may be used from (192.0.2.0/24), several times if need be; without, any");
  create->add_option(
      "--lifetime", options->lifetime,
      "How long it works, such as 12h or 30d; without, 7 days for one that may change anything, "
      "else as long as policy allows");

  add("list", "List an account's tokens, never their secrets", list_command, token_rows);

  auto* revoke = add("revoke", "End a token, and what was made with it; it holds from the next request",
                     revoke_command, print_revoked);
  revoke->add_option("number", options->id);
  revoke->add_flag("--all", options->all, "All of the account's");
  ask_before(*revoke, line, [options](ApiClient&) {
    return options->all ? fmt::format("ends every access token of {} for good", options->account) : "";
  });

  auto* rotate = add("rotate", "Make a token's successor; the old one works until the overlap ends",
                     rotate_command, print_created, true);
  rotate->add_option("number", options->id)->required();
  rotate->add_option("--overlap", options->overlap, "How long the old one still works, at most 7d");
  for (const char* example : {
           "token create alice ci --scope alice/app:pull,push --lifetime 30d",
           "token create alice nightly --scope '*:pull' --management read",
           "token list alice",
           "token revoke alice 7",
           "token rotate alice 7 --overlap 1h",
       })
    app.example(example);
}

}  // namespace bulkhead::cli

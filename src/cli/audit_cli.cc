#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <memory>
#include <thread>

#include "base/say.h"
#include "cli/command_line.h"
#include "cli/operator.h"
#include "cli/terminal.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

struct AuditOptions {
  std::string account;
  std::string repository;
  std::string digest;
  std::string address;
  std::string action;
  std::string since;
  std::string until;
  std::string request;
  std::int64_t count = 20;
  std::int64_t limit = 0;  // of query; 0 for all
  bool follow = false;
};

constexpr std::chrono::milliseconds kPoll{500};
constexpr std::int64_t kLargestPage = 1000;

json::object command_of(const std::string& name, const AuditOptions& options) {
  json::object command{{"command", name}};
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) command[key] = value;
  };
  add("account", options.account);
  add("repository", options.repository);
  add("digest", options.digest);
  add("address", options.address);
  add("action", options.action);
  add("request", options.request);
  add("since", options.since);
  add("until", options.until);
  return command;
}

std::string field(const json::object& event, std::string_view key) {
  const auto* value = event.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// One line a person can read; `--json` has every field.
void print_event(const json::value& value, bool as_json) {
  if (as_json) {
    say_json(boost::json::serialize(value));
    return;
  }
  const json::object& event = value.as_object();
  const auto or_dash = [](std::string text) { return text.empty() ? "-" : text; };
  std::string line = fmt::format("{}  {:<22} {:<16} {:<15}", field(event, "time"), field(event, "action"),
                                 or_dash(field(event, "account")), or_dash(field(event, "address")));
  const std::string repository = field(event, "repository");
  const std::string target = field(event, "target");
  if (!repository.empty()) line += " " + repository;
  if (!target.empty()) line += (repository.empty() ? " " : " ") + target;
  const std::string old_digest = field(event, "old_digest");
  const std::string new_digest = field(event, "new_digest");
  if (!old_digest.empty()) line += " was " + old_digest.substr(0, 19);
  if (!new_digest.empty() && new_digest != target) line += " is " + new_digest.substr(0, 19);
  const std::string detail = field(event, "detail");
  if (!detail.empty()) line += " (" + detail + ")";
  say("{}\n", line);
}

// Prints a page and gives back its cursor.
Result<std::string> print_page(Operator& operations, const json::object& command, bool as_json,
                               std::size_t& count) {
  auto page = operations.run(command);
  if (!page) return page.error();
  const json::object& object = page->as_object();
  count = object.at("events").as_array().size();
  for (const json::value& event : object.at("events").as_array()) print_event(event, as_json);
  flush_output();
  if (const auto* damage = object.if_contains("damage"))
    tell("bulkhead: evidence is missing here: {}\n", std::string_view(damage->as_string()));
  return std::string(object.at("cursor").as_string());
}

Result<void> tail(const CommandLine& line, const AuditOptions& options) {
  if (auto local = check_local(line); !local) return local.error();
  const auto loaded = line.load(Fallback::installed);
  if (!loaded) return loaded.error();
  Operator operations(loaded->settings, names_data(line));
  json::object command = command_of("audit.newest", options);
  command["limit"] = options.count;
  std::size_t count = 0;
  auto cursor = print_page(operations, command, line.json, count);
  while (cursor && options.follow) {
    if (count == 0) std::this_thread::sleep_for(kPoll);
    command = command_of("audit.after", options);
    command["cursor"] = *cursor;
    cursor = print_page(operations, command, line.json, count);
  }
  if (!cursor) return cursor.error();
  return {};
}

Result<void> query(const CommandLine& line, const AuditOptions& options) {
  if (auto local = check_local(line); !local) return local.error();
  const auto loaded = line.load(Fallback::installed);
  if (!loaded) return loaded.error();
  Operator operations(loaded->settings, names_data(line));
  json::object command = command_of("audit.after", options);
  std::int64_t shown = 0;
  std::size_t count = 0;
  do {
    if (options.limit > 0) command["limit"] = std::min(kLargestPage, options.limit - shown);
    auto cursor = print_page(operations, command, line.json, count);
    if (!cursor) return cursor.error();
    command["cursor"] = *cursor;
    shown += static_cast<std::int64_t>(count);
  } while (count > 0 && (options.limit == 0 || shown < options.limit));
  // For people: a script's answer is empty.
  if (shown == 0 && !line.json && ::isatty(STDERR_FILENO) == 1) tell("no event matches\n");
  return {};
}

void add_filters(Command& command, CommandLine& line, AuditOptions& options) {
  add_settings(command, line, false);
  command.add_flag("--json", line.json, "Print one JSON object a line, with every field");
  command.add_option("--account", options.account, "Who did it; operators are \"operator:NAME\"");
  command.add_option("--repository", options.repository,
                     "Where: a repository (alice/app), or a namespace (alice/)");
  command.add_option("--digest", options.digest,
                     "What: as the old, the new or the target digest, or the first 12 digits of it at least");
  command.add_option("--address", options.address, "From which IP address; \"local\" for operators");
  command.add_option("--request", options.request,
                     "In which request: its id, as answers and the log have it");
  command.add_option("--action", options.action,
                     "Such as tag_set, manifest_pulled, login_failed (docs/formats/events.md)");
  command.add_option(
      "--since", options.since,
      "From this time on: 2026-01-31, 2026-01-31T08:15:00+01:00, yesterday or an age such as 24h; without a "
      "zone it is UTC");
  command.add_option("--until", options.until, "Before this time");
}

}  // namespace

void add_audit_commands(Command& app, CommandLine& line) {
  auto* audit = app.add_subcommand("audit", "Evidence: who did what, when, from where");
  audit->require_subcommand();
  const auto options = std::make_shared<AuditOptions>();
  auto* tail_command =
      audit->add_subcommand("tail", "Show the newest events, and with --follow those to come");
  add_filters(*tail_command, line, *options);
  tail_command->add_option("-n,--count", options->count, "How many")->show_default()->range(1, 1000);
  tail_command->add_flag("-f,--follow", options->follow, "Go on until interrupted");
  tail_command->callback(
      [&line, options] { line.action = [&line, options] { return tail(line, *options); }; });
  auto* query_command = audit->add_subcommand("query", "Show every event that matches, oldest first");
  add_filters(*query_command, line, *options);
  query_command->add_option("--limit", options->limit, "At most so many, the oldest")->range(1, INT64_MAX);
  query_command->callback(
      [&line, options] { line.action = [&line, options] { return query(line, *options); }; });
  for (const char* example : {
           "audit tail --follow",
           "audit query --repository alice/app --since 7d",
           "audit query --digest sha256:… --json",
       })
    app.example(example);
}

}  // namespace bulkhead::cli

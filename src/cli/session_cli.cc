// user sessions: where somebody is logged in, and ending that.
#include <fmt/format.h>

#include <memory>

#include "base/say.h"
#include "cli/api_cli.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

struct SessionOptions {
  std::string name;  // "" for whoever is logged in
  std::int64_t end = 0;
  bool all = false;
};

Result<json::value> items_at(ApiClient& client, const std::string& path) {
  auto answer = client.get(path);
  if (!answer) return answer.error();
  return answer->at("items");
}

Result<std::string> whose(ApiClient& client, const SessionOptions& options) {
  if (!options.name.empty()) return options.name;
  const auto me = client.get("/whoami");
  if (!me) return me.error();
  return std::string(me->at("user").at("name").as_string());
}

Result<json::value> list_or_end(ApiClient& client, const SessionOptions& options) {
  const auto name = whose(client, options);
  if (!name) return name.error();
  const std::string path = path_of("users", *name, "sessions");
  if (options.all) return nothing(client.remove(path));
  if (options.end != 0) return nothing(client.remove(path + path_of(std::to_string(options.end))));
  return items_at(client, path);
}

ApiPrint printer_of(const SessionOptions& options) {
  if (options.all) return print_text("every session has ended");
  if (options.end != 0) return print_text(fmt::format("session {} has ended", options.end));
  return print_rows(
      {"NUMBER", "THIS ONE", "STATE", "PROGRAM", "FROM", "SECOND FACTOR", "BEGUN", "UNTIL"},
      {"id", "current", "state", "client", "address", "multi_factor", "created_at", "expires_at"});
}

}  // namespace

void add_session_commands(Command& user, CommandLine& line) {
  const auto options = std::make_shared<SessionOptions>();
  auto* command = add_api_command(
      user, line, "sessions", "List where somebody is logged in, or end it",
      [options](ApiClient& client) { return list_or_end(client, *options); },
      [options] { return printer_of(*options); });
  command->add_option("name", options->name, "Whose; your own when absent");
  auto* one = command->add_option("--end", options->end, "End the session of this number");
  one->range(1, INT64_MAX)->type_name("NUMBER");
  command->add_flag("--all", options->all, "End every one, also the one that asks for it")->excludes(one);
  for (const char* example : {
           "user sessions",
           "user sessions bob --end 17",
       })
    user.example(example);
}

}  // namespace bulkhead::cli

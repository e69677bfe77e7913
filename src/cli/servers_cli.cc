// servers, use: the log-ins kept on this machine, and which of them commands go to.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <memory>

#include "base/say.h"
#include "cli/command_line.h"
#include "cli/environment.h"
#include "cli/login_store.h"
#include "cli/terminal.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

Result<LoginStore> open_store() {
  const auto path = LoginStore::default_path();
  if (!path) return path.error();
  return LoginStore::load(*path);
}

json::array servers_of(const LoginStore& store) {
  json::array out;
  for (const auto& [server, session] : store.sessions())
    out.push_back(json::object{{"server", server},
                               {"account", session.name},
                               {"credential", session.access_token ? "access_token" : "session"},
                               {"expires_at", session.expires_at},
                               {"current", server == store.current()}});
  return out;
}

Result<void> list_servers(const CommandLine& line) {
  const auto store = open_store();
  if (!store) return store.error();
  const json::array servers = servers_of(*store);
  if (line.json) {
    say_json(json::serialize(servers));
    return {};
  }
  Rows rows{{"CURRENT", "SERVER", "ACCOUNT", "WITH", "EXPIRES"}};
  for (const json::value& each : servers)
    rows.push_back({each.at("current").as_bool() ? "*" : "", std::string(each.at("server").as_string()),
                    std::string(each.at("account").as_string()),
                    each.at("credential") == "session" ? "session" : "access token",
                    std::string(each.at("expires_at").as_string())});
  print_table(rows, line.wide);
  if (const std::string named = server_variable(); !named.empty())
    tell("commands go to {}, which BULKHEAD_SERVER names\n", named);
  return {};
}

// By its address as it is kept, its host and port, or its host alone where that is one server's.
Result<std::string> find_server(const LoginStore& store, const std::string& given) {
  if (const auto url = store.url_of(given, false); url && store.sessions().contains(*url)) return *url;
  std::vector<std::string> found;
  for (const auto& [server, session] : store.sessions()) {
    const std::string host = registry_of(server);
    if (host == given || host.substr(0, host.rfind(':')) == given) found.push_back(server);
  }
  if (found.size() == 1) return found.front();
  if (found.empty())
    return Error{Errc::not_found, fmt::format("there is no log-in to \"{}\"; \"bulkhead servers\" lists "
                                              "those that there are, and \"bulkhead login\" makes one",
                                              given)};
  return Error{Errc::invalid_argument,
               fmt::format("\"{}\" may be {} or {}: write the whole address", given, found[0], found[1])};
}

Result<void> use_server(const CommandLine& line, const std::string& given) {
  auto store = open_store();
  if (!store) return store.error();
  const auto server = find_server(*store, given);
  if (!server) return server.error();
  bool there = false;
  const auto saved = store->update([&](LoginStore& fresh) {
    // Another terminal may have logged out meanwhile.
    there = fresh.sessions().contains(*server);
    if (there) fresh.use(*server);
  });
  if (!saved) return saved.error();
  if (!there) return Error{Errc::not_found, fmt::format("nobody is logged in to {} any more", *server)};
  const std::string& name = store->sessions().at(*server).name;
  if (line.json)
    say_json(json::serialize(json::object{{"server", *server}, {"account", name}}));
  else
    say("commands go to {} as {} from here on\n", *server, name);
  return {};
}

}  // namespace

void add_servers_commands(Command& app, CommandLine& line) {
  auto* servers = app.add_subcommand("servers", "List the log-ins on this machine, and which is in use");
  servers->add_flag("--json", line.json, "Print JSON, for scripts");
  servers->add_flag("--wide", line.wide, kWideHelp);
  servers->callback([&line] { line.action = [&line] { return list_servers(line); }; });

  const auto server = std::make_shared<std::string>();
  auto* use = app.add_subcommand("use", "Let commands go to another server that was logged in to");
  use->add_option("server", *server, "Its address or name, as \"bulkhead servers\" lists it")->required();
  use->add_flag("--json", line.json, "Print JSON, for scripts");
  use->callback([&line, server] { line.action = [&line, server] { return use_server(line, *server); }; });
  for (const char* example : {
           "servers",
           "use registry.example.com",
       })
    app.example(example);
}

}  // namespace bulkhead::cli

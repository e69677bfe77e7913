// version, status: which programs are at work, where, and how they are.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <memory>

#include "app/data_directory.h"
#include "base/say.h"
#include "base/version.h"
#include "cli/api_cli.h"
#include "cli/operator.h"
#include "cli/probe.h"
#include "cli/terminal.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// The file that a log-in there was given, or "".
std::string authority_of(const std::string& server) {
  const auto path = LoginStore::default_path();
  const auto store = path ? LoginStore::load(*path) : Result<LoginStore>(path.error());
  return store ? store->authority(server) : std::string();
}

Result<void> show_version(const CommandLine& line, bool client_alone) {
  json::object out{{"client", json::string(version())}};
  std::string server;
  if (!client_alone) {
    auto remote = remote_server(line);
    if (!remote) return remote.error();
    if (*remote) {
      const auto facts = (*remote)->client->get("/server");
      if (!facts) return facts.error();
      server = fmt::format("{} at {}", text(facts->as_object(), "version"), (*remote)->url);
      out["server"] = json::object{{"url", (*remote)->url}, {"version", facts->at("version")}};
    }
  }
  if (line.json) {
    say_json(json::serialize(out));
    return {};
  }
  say("bulkhead {}\n", version());
  if (!server.empty()) say("server {}\n", server);
  return {};
}

// What is seen from outside, and what the server tells of itself to whoever is logged in.
Result<json::value> status_of(RemoteServer& remote) {
  const auto seen = probe(remote.url, authority_of(remote.url), {.path = "/readyz"});
  if (!seen) return seen.error();
  json::object out{
      {"server", remote.url}, {"ready", seen->status == 200}, {"answered_in_ms", seen->took.count()}};
  if (const auto ahead = seen->ahead()) out["clock_ahead_seconds"] = ahead->count();
  if (seen->certificate_until) out["certificate_until"] = to_rfc3339(*seen->certificate_until);
  const auto facts = remote.client->get("/server");
  if (!facts) return facts.error();
  for (const char* key : {"version", "started_at", "engine", "disk"})
    if (const json::value* value = facts->as_object().if_contains(key)) out[key] = *value;
  const auto me = remote.client->get("/whoami");
  if (!me) return me.error();
  out["user"] =
      json::object{{"name", me->at("user").at("name")}, {"system_role", me->at("user").at("system_role")}};
  return json::value(std::move(out));
}

std::string disk_text(const json::object& disk) {
  const auto bytes = [&disk](const char* key) {
    return render_bytes(disk.at(key).to_number<std::uint64_t>());
  };
  return fmt::format("{} free of {}; pushes leave {} free", bytes("free_bytes"), bytes("total_bytes"),
                     bytes("reserve_bytes"));
}

void print_status(const json::object& status) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&rows](const char* name, std::string value) {
    if (!value.empty()) rows.push_back({fmt::format("{}:", name), std::move(value)});
  };
  add("server", text(status, "server"));
  add("data", text(status, "data"));
  if (const json::value* pid = status.if_contains("pid")) add("process", std::to_string(pid->as_int64()));
  add("address", text(status, "address"));
  if (const json::value* ready = status.if_contains("ready"))
    add("state", fmt::format("{}, answered in {} ms", ready->as_bool() ? "ready" : "not ready",
                             status.at("answered_in_ms").to_number<std::int64_t>()));
  add("version", text(status, "version"));
  add("database", text(status, "engine"));
  add("running since", text(status, "started_at"));
  if (const json::value* ahead = status.if_contains("clock_ahead_seconds")) {
    const auto seconds = ahead->to_number<std::int64_t>();
    add("clock", std::abs(seconds) <= 1 ? "as this machine's"
                                        : fmt::format("{} s {} this machine's", std::abs(seconds),
                                                      seconds > 0 ? "ahead of" : "behind"));
  }
  add("certificate until", text(status, "certificate_until"));
  if (const json::value* disk = status.if_contains("disk")) add("disk", disk_text(disk->as_object()));
  if (const json::value* user = status.if_contains("user")) {
    const std::string role = text(user->as_object(), "system_role");
    add("logged in as", text(user->as_object(), "name") + (role == "none" ? "" : fmt::format(" ({})", role)));
  }
  say_lines(render_table(rows));
}

Result<json::value> local_status(const CommandLine& line) {
  const auto loaded = line.load(Fallback::installed);
  if (!loaded) return loaded.error();
  auto asked = Operator(loaded->settings, names_data(line)).ask({{"command", "server.status"}});
  if (!asked) return asked.error();
  if (*asked) return **std::move(asked);
  const auto data = app::DataDirectory::look(loaded->settings);
  if (!data) return data.error();
  if (data->fresh()) return data->nothing_here();
  return Error{Errc::unavailable, fmt::format("no server runs on {}", data->path.string())};
}

Result<void> show_status(const CommandLine& line) {
  auto remote = remote_server(line);
  if (!remote) return remote.error();
  const auto status = *remote ? status_of(**remote) : local_status(line);
  if (!status) return status.error();
  if (line.json)
    say_json(json::serialize(*status));
  else
    print_status(status->as_object());
  return {};
}

}  // namespace

void add_about_commands(Command& app, CommandLine& line) {
  const auto client_alone = std::make_shared<bool>(false);
  auto* which = app.add_subcommand("version", "Say which version this is, and which the server's is");
  add_settings(*which, line, false);
  which->add_flag("--json", line.json, "Print JSON, for scripts");
  which->add_flag("--client", *client_alone, "Ask no server");
  which->callback([&line, client_alone] {
    line.action = [&line, client_alone] { return show_version(line, *client_alone); };
  });
  auto* status =
      app.add_subcommand("status", "Say how the server is: reachable, since when, its clock, its disk");
  add_settings(*status, line, false);
  status->add_flag("--json", line.json, "Print JSON, for scripts");
  status->callback([&line] { line.action = [&line] { return show_status(line); }; });
  for (const char* example : {
           "version",
           "status",
       })
    app.example(example);
}

}  // namespace bulkhead::cli

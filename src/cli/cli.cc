#include "cli/cli.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <exception>

#include "base/say.h"
#include "base/version.h"
#include "cli/command_line.h"
#include "cli/completion.h"
#include "cli/credential_helper.h"
#include "cli/environment.h"
#include "cli/help.h"
#include "cli/process.h"

namespace bulkhead::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kNotUnderstood = 2;
constexpr int kNotLoggedIn = 3;
// Of a server that was installed as packaging/ does it.
constexpr const char* kInstalledConfig = "/etc/bulkhead/bulkhead.toml";

constexpr const char* kAbout = "Bulkhead: a container registry that a breach does not sink.";

constexpr const char* kNotes =
    "  bulkhead serve                       serve ./data on 127.0.0.1:5000\n"
    "  bulkhead user create alice --admin   make an administrator\n"
    "  bulkhead login registry.example.com  use that server from here on\n"
    "  bulkhead audit tail --follow         watch what happens\n\n"
    "Commands work on the server that was logged in to. Without a log-in, and with --data, they work on a "
    "running server's data (through the socket in its directory) and on a stopped one's.\n"
    "\n"
    "\"bulkhead help COMMAND\" explains one command, \"bulkhead config reference\" the settings. Exit "
    "status: "
    "0 done, 1 failed, 2 the command line or the configuration is wrong, 3 not logged in.";

std::vector<Heading> headings() {
  return {{"People", {"user", "org", "team", "robot", "sso"}},
          {"Images", {"repo", "namespace", "import", "export"}},
          {"Access",
           {"login", "logout", "whoami", "servers", "use", "token", "factor", "session", "grant", "policy"}},
          {"Evidence", {"audit"}},
          {"Server",
           {"serve", "setup", "config", "keys", "status", "health", "doctor", "version", "api", "help",
            "completion", "man"}}};
}

}  // namespace

Result<config::Loaded> CommandLine::load(Fallback fallback) const {
  config::Sources sources;
  sources.environment = setting_variables();
  sources.flags = flags;
  for (const auto& [key, values] : list_flags)
    if (!values.empty()) sources.flags[key] = fmt::format("{}", fmt::join(values, ","));
  const auto from_environment = sources.environment.extract("BULKHEAD_CONFIG");
  if (!config_file.empty())
    sources.file = config_file;
  else if (from_environment)
    sources.file = from_environment.mapped();
  else if (fallback == Fallback::installed && !flags.contains("data") &&
           !sources.environment.contains("BULKHEAD_DATA")) {
    if (::access(kInstalledConfig, R_OK) == 0)
      sources.file = kInstalledConfig;
    else if (errno == EACCES)
      // Going on would work on other data than what is meant.
      return Error{
          Errc::denied,
          fmt::format("{}, the configuration of the server that is installed here, may be read by its "
                      "own user only: sudo -u bulkhead bulkhead …, or name other data with --data",
                      kInstalledConfig)};
  }
  auto loaded = config::load(sources);
  misconfigured = !loaded;
  return loaded;
}

namespace {

// As a flag takes it: without the quotes of TOML, and a list with commas.
std::string plain_default(const std::string& toml) {
  std::string out;
  for (const char c : toml)
    if (c != '"' && c != '[' && c != ']') out += c;
  return out;
}

}  // namespace

void add_settings(Command& command, CommandLine& line, bool all) {
  // Those that print a table.
  constexpr std::array kLists = {"list", "members", "invitations", "identities"};
  if (!all && std::ranges::find(kLists, command.name()) != kLists.end())
    command.add_flag("--wide", line.wide, kWideHelp);
  Option* server = nullptr;
  if (!all)
    server =
        command
            .add_option("--server", line.server,
                        "Work on this server, which was logged in to, instead of on the data of this machine")
            ->type_name("URL")
            ->group(kWhere);
  Option* config = command
                       .add_option("--config", line.config_file,
                                   "Read settings from this TOML file (also BULKHEAD_CONFIG)")
                       ->type_name("FILE")
                       ->group(all ? "Flags" : kWhere);
  if (server != nullptr) server->excludes(config);
  for (const config::SettingInfo& info : config::settings()) {
    // Commands on stopped data need to find it and what it was made with; the rest is the server's.
    const bool needed = info.key == "data" || info.key == "database" ||
                        info.key == "database_password_file" || info.key.starts_with("keys") ||
                        info.key.starts_with("auth.password_");
    if (!all && !needed) continue;
    // Given again, lists add up; of the rest the last one counts, as scripts put defaults before what their
    // callers add.
    Option* flag =
        info.type == config::SettingType::list
            ? command.add_option(info.flag, line.list_flags[info.key], info.doc)->one_value()
            : command
                  .add_option(
                      info.flag,
                      [&line, key = info.key](const std::string& value) { line.flags[key] = value; },
                      info.doc)
                  ->take_last();
    flag->may_be_empty()
        ->type_name(info.key == "data" || info.key == "keys" ? "DIR" : "")
        ->default_text(plain_default(info.default_text))
        ->group(all                  ? "Settings"
                : info.key == "data" ? kWhere
                                     : "");
    if (server != nullptr && info.key == "data") server->excludes(flag);
  }
}

namespace {

// Scripts go on working with what commands were called before the verbs became the same everywhere.
void keep_older_names(Command& app) {
  struct Renamed {
    std::vector<std::string> group;
    std::string name;
    std::string older;
  };
  for (const Renamed& each : {Renamed{{"sso", "provider"}, "set", "change"},
                              {{"sso", "provider"}, "delete", "remove"},
                              {{"sso", "map"}, "create", "add"},
                              {{"sso", "map"}, "delete", "remove"},
                              {{"robot", "trust"}, "create", "add"},
                              {{"robot", "trust"}, "delete", "remove"},
                              {{"org", "member"}, "delete", "remove"},
                              {{"grant"}, "delete", "remove"},
                              {{"factor"}, "delete", "remove"}}) {
    Command* group = &app;
    for (const std::string& word : each.group) group = group->subcommand(word);
    group->subcommand(each.name)->alias(each.older);
  }
}

// For people a sentence, for programs a problem document (RFC 9457), the server's own where it gave one.
void tell_error(const CommandLine& line, const Error& error) {
  if (line.json) {
    boost::json::value document = line.problem;
    if (!document.is_object() || !document.get_object().contains("detail"))
      document = boost::json::object{{"type", "about:blank"},
                                     {"title", name(error.code)},
                                     {"code", name(error.code)},
                                     {"detail", error.message}};
    return tell_lines(shown(boost::json::serialize(document), Shown::document) + "\n");
  }
  // Of the settings all mistakes are told, a line for each.
  if (line.misconfigured)
    tell_lines(fmt::format("bulkhead: {}\n", error.message));
  else
    tell("bulkhead: {}\n", error.message);
}

int run_command(int argc, char** argv) {
  Command app(kAbout, "bulkhead");
  app.footer(kNotes);
  app.arrange(headings());
  app.version(fmt::format("bulkhead {}", version()));
  CommandLine line;
  line.program = argc > 0 ? argv[0] : "bulkhead";
  add_server_commands(app, line);
  add_health_command(app, line);
  add_operator_commands(app, line);
  add_token_commands(app, line);
  add_audit_commands(app, line);
  add_keys_commands(app, line);
  add_login_commands(app, line);
  add_servers_commands(app, line);
  add_organization_commands(app, line);
  add_team_commands(app, line);
  add_robot_commands(app, line);
  add_factor_commands(app, line);
  add_sso_commands(app, line);
  add_policy_commands(app, line);
  add_session_commands(*app.subcommand("user"), line);
  add_tag_commands(*app.subcommand("repo"), line);
  add_leak_command(*app.subcommand("token"), line);
  add_show_commands(app, line);
  add_raw_api_command(app, line);
  add_about_commands(app, line);
  add_doctor_command(app, line);
  add_import_command(app, line);
  add_export_command(app, line);
  add_help_commands(app, line);
  keep_older_names(app);
  if (argc > 1 && std::string_view(argv[1]) == "__complete")
    return complete(app, line, std::vector<std::string>(argv + 2, argv + argc));
  if (const auto status = app.parse(argc, argv)) return *status;
  if (!line.action) return kNotUnderstood;
  const Result<void> outcome = line.action();
  if (outcome) return 0;
  tell_error(line, outcome.error());
  if (line.misconfigured) return kNotUnderstood;
  // On data of this machine it is a passphrase, or a PIN.
  const bool at_a_server = !line.server.empty() || !names_data(line);
  return at_a_server && outcome.error().code == Errc::unauthenticated ? kNotLoggedIn : kFailed;
}

}  // namespace

int run(int argc, char** argv) {
  keep_memory_private();
  hold_standard_streams();
  ::signal(SIGPIPE, SIG_IGN);  // a pipe that nobody reads is output that cannot be written
  try {
    const int status = argc > 0 && is_credential_helper(argv[0]) ? run_credential_helper(argc, argv)
                                                                 : run_command(argc, argv);
    flush_output();
    return status;
  } catch (const OutputFailed& failed) {
    tell("bulkhead: {}\n", failed.what());
  } catch (const std::exception& failed) {
    // A bug, or no memory: still a sentence, and still a failure.
    tell("bulkhead: failed inside: {}\n", failed.what());
  }
  return kFailed;
}

}  // namespace bulkhead::cli

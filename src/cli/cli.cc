#include "cli/cli.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <exception>

#include "base/say.h"
#include "cli/command_line.h"
#include "cli/credential_helper.h"
#include "cli/environment.h"
#include "cli/process.h"

namespace bulkhead::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kNotUnderstood = 2;
// Of a server that was installed as packaging/ does it.
constexpr const char* kInstalledConfig = "/etc/bulkhead/bulkhead.toml";

constexpr const char* kAbout =
    "Bulkhead: a container registry that a breach does not sink.\n\n"
    "  bulkhead serve                          serve ./data on 127.0.0.1:5000\n"
    "  bulkhead user create alice --admin      make an administrator\n"
    "  bulkhead repo set alice/app --visibility public\n"
    "  bulkhead audit tail --follow            watch what happens\n\n"
    "  bulkhead login registry.example.com      use that server from here on\n\n"
    "Commands work on the server that was logged in to. Without a log-in, and with --data, they work on a "
    "running server's data\n(through the socket in its directory) and on a stopped one's.";

constexpr const char* kFooter =
    "\"bulkhead COMMAND --help\" explains one command. Settings: \"bulkhead config reference\".\n"
    "Exit status: 0 done, 1 failed, 2 the command line or the configuration is wrong.";

}  // namespace

Result<config::Loaded> CommandLine::load(Fallback fallback) const {
  config::Sources sources;
  sources.environment = setting_variables();
  sources.flags = flags;
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

void add_settings(Command& command, CommandLine& line, bool all) {
  if (!all)
    command
        .add_option("--server", line.server,
                    "Work on this server, which was logged in to, instead of on the data of this machine")
        ->type_name("URL");
  command
      .add_option("--config", line.config_file, "Read settings from this TOML file (also BULKHEAD_CONFIG)")
      ->type_name("FILE");
  for (const config::SettingInfo& info : config::settings()) {
    // Commands on stopped data need to find it and what it was made with; the rest is the server's.
    const bool needed = info.key == "data" || info.key == "database" ||
                        info.key == "database_password_file" || info.key.starts_with("keys") ||
                        info.key.starts_with("auth.password_");
    if (!all && !needed) continue;
    command
        .add_option(
            info.flag, [&line, key = info.key](const std::string& value) { line.flags[key] = value; },
            info.doc)
        ->take_last()  // scripts put defaults before what their callers add
        ->type_name("")
        ->group(all || info.key == "data" ? "Settings" : "");
  }
}

namespace {

int run_command(int argc, char** argv) {
  Command app(kAbout, "bulkhead");
  app.footer(kFooter);
  app.require_subcommand();
  app.version("bulkhead " BULKHEAD_VERSION);
  CommandLine line;
  line.program = argc > 0 ? argv[0] : "bulkhead";
  add_server_commands(app, line);
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
  if (const auto status = app.parse(argc, argv)) return *status;
  if (!line.action) return kNotUnderstood;
  const Result<void> outcome = line.action();
  if (outcome) return 0;
  // Of the settings all mistakes are told, a line for each.
  if (line.misconfigured)
    tell_lines(fmt::format("bulkhead: {}\n", outcome.error().message));
  else
    tell("bulkhead: {}\n", outcome.error().message);
  return line.misconfigured ? kNotUnderstood : kFailed;
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

// What the subcommands share: where the data is, how to print. Internal to app/'s command line.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "base/error.h"
#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/table.h"
#include "config/load.h"

namespace bulkhead::cli {

// How a command's value is shown to people: by a function that prints it, or by one that makes a table of it.
class Printer {
 public:
  template <class Show>
  requires(!std::same_as<std::remove_cvref_t<Show>, Printer>)
      Printer(Show show) {  // NOLINT(google-explicit-constructor): a command gives a lambda
    if constexpr (std::same_as<std::invoke_result_t<Show&, const boost::json::value&>, Rows>)
      rows_ = std::move(show);
    else
      print_ = std::move(show);
  }

  // `wide`: see print_table().
  void print(const boost::json::value& value, bool wide) const {
    if (rows_)
      print_table(rows_(value), wide);
    else
      print_(value);
  }

 private:
  std::function<void(const boost::json::value&)> print_;
  std::function<Rows(const boost::json::value&)> rows_;
};

enum class Fallback { none, installed };

// Filled while the command line is read.
struct CommandLine {
  std::string program;
  std::string config_file;
  std::map<std::string, std::string> flags;  // settings given as flags, by key
  std::map<std::string, std::vector<std::string>>
      list_flags;      // those that are lists, each time they are given
  std::string server;  // --server: the server whose management API to use
  bool json = false;
  bool wide = false;  // --wide: tables exact and in full
  bool yes = false;   // --yes: what cannot be undone is not asked about
  // The chosen subcommand's work; set by its callback.
  std::function<Result<void>()> action;
  // What it is about to do that cannot be undone; of one that asks (cli/confirm.h).
  std::function<std::string(ApiClient&)> consequence;
  // The document that the API refused it with; null for none.
  mutable boost::json::value problem;
  // Of one whose outcome is shown once: what to do where it could not be written.
  std::function<std::string(const boost::json::value&)> lost;

  // Sets misconfigured when the settings are wrong. With Fallback::installed, where neither a file nor the
  // data is named: from /etc/bulkhead/bulkhead.toml, if there is one.
  Result<config::Loaded> load(Fallback fallback = Fallback::none) const;
  mutable bool misconfigured = false;
};

// Where management commands go: the server that --server names; without settings on the command line, the one
// that BULKHEAD_SERVER names; without any in the environment, the one of the current log-in; nothing for the
// data on this machine. A token in BULKHEAD_TOKEN goes before a log-in, and only to a server that is named.
struct RemoteServer {
  std::string url;
  std::string name;  // of the account; "" with BULKHEAD_TOKEN
  std::unique_ptr<ApiClient> client;
};
Result<std::optional<RemoteServer>> remote_server(const CommandLine& line);
// Whether flags or the environment say where the data is: whoever says so means that data.
bool names_data(const CommandLine& line);
// Errc::unsupported for a command that works on this machine's data only, where a server was named or was
// logged in to and the data was not named: it would answer about something else than the others.
Result<void> check_local(const CommandLine& line);

// Runs a management command, whose work is given the client that it needs, and prints its value: as JSON with
// --json, else through `print`.
using ApiWork = std::function<Result<boost::json::value>(ApiClient&)>;
Result<void> perform_api(const CommandLine& line, const ApiWork& work, const Printer& print);

// Runs an operator command, or what it is in the management API of a server, and prints its value: as JSON
// with --json, else through `print`.
Result<void> perform(const CommandLine& line, const boost::json::object& command, const Printer& print);

inline constexpr const char* kWideHelp = "On a terminal too: exact times, and nothing shortened";

// Each adds its subcommands to `app`; `line` outlives it.
void add_server_commands(Command& app, CommandLine& line);        // serve, setup, config
void add_health_command(Command& app, CommandLine& line);         // health
void add_operator_commands(Command& app, CommandLine& line);      // user, repo, grant, namespace
void add_profile_commands(Command& user, CommandLine& line);      // user email, display-name, role, lock
void add_session_commands(Command& user, CommandLine& line);      // user sessions
void add_tag_commands(Command& repo, CommandLine& line);          // repo tags
void add_leak_command(Command& token, CommandLine& line);         // token leaked
void add_show_commands(Command& app, CommandLine& line);          // show, of each kind of thing
void add_token_commands(Command& app, CommandLine& line);         // token
void add_audit_commands(Command& app, CommandLine& line);         // audit
void add_keys_commands(Command& app, CommandLine& line);          // keys
void add_login_commands(Command& app, CommandLine& line);         // login, logout, whoami
void add_servers_commands(Command& app, CommandLine& line);       // servers, use
void add_organization_commands(Command& app, CommandLine& line);  // org
void add_team_commands(Command& app, CommandLine& line);          // team
void add_robot_commands(Command& app, CommandLine& line);         // robot
void add_factor_commands(Command& app, CommandLine& line);        // factor
void add_sso_commands(Command& app, CommandLine& line);           // sso
void add_policy_commands(Command& app, CommandLine& line);        // policy
void add_sso_test_command(Command& sso, CommandLine& line);       // sso test
void add_about_commands(Command& app, CommandLine& line);         // version, status
void add_doctor_command(Command& app, CommandLine& line);         // doctor
void add_raw_api_command(Command& app, CommandLine& line);        // api
void add_import_command(Command& app, CommandLine& line);         // import
void add_export_command(Command& app, CommandLine& line);         // export
void add_help_commands(Command& app, CommandLine& line);          // help
// --config, --data and every other setting's flag, on this command.
void add_settings(Command& command, CommandLine& line, bool all);

}  // namespace bulkhead::cli

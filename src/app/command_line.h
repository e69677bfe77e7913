// What the subcommands share: where the data is, how to print. Internal to app/'s command line.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "config/load.h"

namespace CLI {
class App;
}

namespace bulkhead::app {

// Filled while the command line is read.
struct CommandLine {
  std::string program;
  std::string config_file;
  std::map<std::string, std::string> flags;  // settings given as flags, by key
  bool json = false;
  // The chosen subcommand's work; set by its callback.
  std::function<Result<void>()> action;

  // Sets misconfigured when the settings are wrong.
  Result<config::Loaded> load() const;
  mutable bool misconfigured = false;
};

// Runs an operator command and prints its value: as JSON with --json, else through `print`.
Result<void> perform(const CommandLine& line, const boost::json::object& command,
                     const std::function<void(const boost::json::value&)>& print);

// Each adds its subcommands to `app`; `line` outlives it.
void add_server_commands(CLI::App& app, CommandLine& line);    // serve, setup, config
void add_operator_commands(CLI::App& app, CommandLine& line);  // user, repo, grant, namespace
void add_token_commands(CLI::App& app, CommandLine& line);     // token
void add_audit_commands(CLI::App& app, CommandLine& line);     // audit
void add_keys_commands(CLI::App& app, CommandLine& line);      // keys
// --config, --data and every other setting's flag, on this command.
void add_settings(CLI::App& command, CommandLine& line, bool all);

}  // namespace bulkhead::app

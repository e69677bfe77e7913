#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json/serialize.hpp>
#include <cstdio>
#include <memory>

#include "app/check_files.h"
#include "app/serve.h"
#include "base/say.h"
#include "cli/api_client.h"
#include "cli/command_line.h"
#include "cli/environment.h"
#include "cli/terminal.h"
#include "config/advice.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

struct SetupOptions {
  std::string name;
  std::string server = server_variable().empty() ? "http://127.0.0.1:5000" : server_variable();
  std::string token;
  std::string ca;
  bool password_stdin = false;
};

Result<void> set_up(const CommandLine& line, const SetupOptions& options) {
  auto password = read_password(options.password_stdin);
  if (!password) return password.error();
  // Who trusts an authority means TLS.
  const auto server = server_url(options.server, !options.ca.empty());
  if (!server) return server.error();
  const auto client = make_remote_client(*server, Secret<>(), options.ca);
  const auto made = client->create(
      "/setup", {{"token", options.token}, {"name", options.name}, {"password", password->reveal()}});
  if (!made) return made.error();
  if (line.json) {
    say_json(json::serialize(*made));
    return {};
  }
  say("{} is the administrator. Now log in:\n  docker login {}\n", options.name, registry_of(*server));
  return {};
}

void add_setup(Command& app, CommandLine& line) {
  auto* setup = app.add_subcommand(
      "setup", "Make the first administrator with the setup token that the server printed");
  const auto options = std::make_shared<SetupOptions>();
  setup->add_option("name", options->name, "The administrator's name, also the name of a namespace")
      ->required();
  setup->add_option("--token", options->token, "The setup token, bhsetup_…")->required();
  setup->add_option("--server", options->server, "The server's address")->show_default();
  setup->add_option("--ca", options->ca, "Trust this certificate authority (PEM), such as <data>/tls/ca.pem");
  setup->add_flag("--password-stdin", options->password_stdin, "Read the password from standard input");
  setup->add_flag("--json", line.json, "Print JSON, for scripts");
  setup->callback([&line, options] { line.action = [&line, options] { return set_up(line, *options); }; });
}

void add_config(Command& app, CommandLine& line) {
  auto* config = app.add_subcommand("config", "Check, show and explain the settings");
  config->require_subcommand();
  auto* check =
      config->add_subcommand("check", "Say whether the settings are right, and what is wrong with them");
  add_settings(*check, line, true);
  check->add_flag("--json", line.json, "Print JSON, for scripts");
  check->callback([&line] {
    line.action = [&line]() -> Result<void> {
      auto loaded = line.load(Fallback::installed);
      if (!loaded) return loaded.error();
      const auto files = app::check_files(loaded->settings);
      if (!files.mistakes.empty()) {
        line.misconfigured = true;
        return Error{Errc::invalid_argument, fmt::format("{}", fmt::join(files.mistakes, "\n"))};
      }
      json::array advice;
      for (const std::string& sentence : config::advice(loaded->settings)) advice.emplace_back(sentence);
      for (const std::string& sentence : files.advice) advice.emplace_back(sentence);
      if (line.json) {
        say_json(json::serialize(json::object{{"right", true}, {"advice", std::move(advice)}}));
        return {};
      }
      for (const json::value& sentence : advice) say("{}\n", std::string_view(sentence.as_string()));
      say("the settings are right\n");
      return {};
    };
  });
  auto* print =
      config->add_subcommand("print", "Show every setting in force and where it comes from, as TOML");
  add_settings(*print, line, true);
  print->add_flag("--json", line.json, "Print JSON, for scripts; the values as TOML writes them");
  print->callback([&line] {
    line.action = [&line]() -> Result<void> {
      auto loaded = line.load(Fallback::installed);
      if (!loaded) return loaded.error();
      if (!line.json) {
        say_lines(config::render_toml(*loaded));
        return {};
      }
      json::array settings;
      for (const config::InForce& each : config::in_force(*loaded))
        settings.push_back(json::object{{"key", each.key}, {"value", each.value}, {"from", each.origin}});
      say_json(json::serialize(settings));
      return {};
    };
  });
  auto* example = config->add_subcommand("example",
                                         "Write a file to begin with: every setting explained, set where a "
                                         "flag here or the environment sets it");
  add_settings(*example, line, true);
  example->callback([&line] {
    line.action = [&line]() -> Result<void> {
      auto loaded = line.load();
      if (!loaded) return loaded.error();
      say_lines(config::render_example(*loaded));
      return {};
    };
  });
  auto* reference = config->add_subcommand("reference", "Explain every setting, as Markdown");
  reference->callback([&line] {
    line.action = []() -> Result<void> {
      say_lines(config::render_reference());
      return {};
    };
  });
}

}  // namespace

void add_server_commands(Command& app, CommandLine& line) {
  auto* serve_command =
      app.add_subcommand("serve", "Run the registry until it is told to stop (SIGTERM or Ctrl-C)");
  add_settings(*serve_command, line, true);
  serve_command->footer(
      "Each setting is also a key of the TOML file and an environment variable: --http-idle-timeout is "
      "http.idle_timeout and BULKHEAD_HTTP_IDLE_TIMEOUT. Flags go before the environment, and that before "
      "the file.");
  const auto accept_new_keys = std::make_shared<bool>(false);
  serve_command->add_flag(
      "--accept-new-keys", *accept_new_keys,
      "Go on although the keyring is not the one that the database was used with: what needs the "
      "lost keys (passwords, tokens, sealed secrets) is lost with them");
  serve_command->callback([&line, accept_new_keys] {
    line.action = [&line, accept_new_keys]() -> Result<void> {
      auto loaded = line.load();
      if (!loaded) return loaded.error();
      return app::serve(loaded->settings, {line.program, *accept_new_keys});
    };
  });
  add_setup(app, line);
  add_config(app, line);
  for (const char* example : {
           "setup admin --token bhsetup_…",
           "config check --config /etc/bulkhead/bulkhead.toml",
           "config print",
           "config reference",
           "serve",
           "serve --listen 0.0.0.0:443 --tls auto --tls-names registry.example.com",
           "serve --config /etc/bulkhead.toml",
           "serve --database postgres://bulkhead@db/bulkhead --database-password-file /run/secrets/db",
       })
    app.example(example);
  app.example("config example --data /var/lib/bulkhead");
}

}  // namespace bulkhead::cli

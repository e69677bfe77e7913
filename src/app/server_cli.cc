#include <curl/curl.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <memory>

#include "app/command_line.h"
#include "app/serve.h"
#include "app/terminal.h"
#include "oci/strict_json.h"

namespace bulkhead::app {
namespace {

namespace json = boost::json;

struct SetupOptions {
  std::string name;
  std::string server = "http://127.0.0.1:5000";
  std::string token;
  std::string ca;
  bool password_stdin = false;
};

struct CurlFree {
  void operator()(CURL* curl) const { ::curl_easy_cleanup(curl); }
};
struct ListFree {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};

std::size_t append(char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

// What the server said was wrong, out of its error JSON.
std::string server_message(std::string_view body) {
  const auto parsed = oci::parse_strict_json(body);
  const auto* object = parsed ? parsed->if_object() : nullptr;
  const auto* errors = object != nullptr ? object->if_contains("errors") : nullptr;
  const auto* list = errors != nullptr ? errors->if_array() : nullptr;
  const auto* first = list != nullptr && !list->empty() ? list->front().if_object() : nullptr;
  const auto* message = first != nullptr ? first->if_contains("message") : nullptr;
  if (message == nullptr || !message->is_string()) return "the server's answer cannot be read";
  return std::string(message->get_string());
}

Result<void> set_up(const SetupOptions& options) {
  auto password = read_password(options.password_stdin);
  if (!password) return password.error();
  const Secret<> body(json::serialize(
      json::object{{"token", options.token}, {"name", options.name}, {"password", password->reveal()}}));
  const std::unique_ptr<CURL, CurlFree> curl(::curl_easy_init());
  const std::unique_ptr<curl_slist, ListFree> headers(
      ::curl_slist_append(nullptr, "Content-Type: application/json"));
  const std::string url = options.server + "/api/v1/setup";
  std::string reply;
  ::curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.reveal().size()));
  ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.reveal().data());
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &reply);
  if (!options.ca.empty()) ::curl_easy_setopt(curl.get(), CURLOPT_CAINFO, options.ca.c_str());
  if (const CURLcode code = ::curl_easy_perform(curl.get()); code != CURLE_OK)
    return Error{Errc::unavailable,
                 fmt::format("cannot reach {}: {}", options.server, ::curl_easy_strerror(code))};
  long status = 0;
  ::curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 201) return Error{Errc::denied, server_message(reply)};
  fmt::print("{} is the administrator. Now log in:\n  docker login {}\n", options.name,
             options.server.substr(options.server.find("//") + 2));
  return {};
}

void add_setup(CLI::App& app, CommandLine& line) {
  auto* setup = app.add_subcommand(
      "setup", "Make the first administrator with the setup token that the server printed");
  const auto options = std::make_shared<SetupOptions>();
  setup->add_option("name", options->name, "The administrator's name, also the name of a namespace")
      ->required();
  setup->add_option("--token", options->token, "The setup token, bhsetup_…")->required();
  setup->add_option("--server", options->server, "The server's address")->capture_default_str();
  setup->add_option("--ca", options->ca, "Trust this certificate authority (PEM), such as <data>/tls/ca.pem");
  setup->add_flag("--password-stdin", options->password_stdin, "Read the password from standard input");
  setup->callback([&line, options] { line.action = [options] { return set_up(*options); }; });
}

void add_config(CLI::App& app, CommandLine& line) {
  auto* config = app.add_subcommand("config", "Check, show and explain the settings");
  config->require_subcommand(1);
  auto* check =
      config->add_subcommand("check", "Say whether the settings are right, and what is wrong with them");
  add_settings(*check, line, true);
  check->callback([&line] {
    line.action = [&line]() -> Result<void> {
      auto loaded = line.load();
      if (!loaded) return loaded.error();
      fmt::print("the settings are right\n");
      return {};
    };
  });
  auto* print =
      config->add_subcommand("print", "Show every setting in force and where it comes from, as TOML");
  add_settings(*print, line, true);
  print->callback([&line] {
    line.action = [&line]() -> Result<void> {
      auto loaded = line.load();
      if (!loaded) return loaded.error();
      fmt::print("{}", config::render_toml(*loaded));
      return {};
    };
  });
  auto* reference = config->add_subcommand("reference", "Explain every setting, as Markdown");
  reference->callback([&line] {
    line.action = []() -> Result<void> {
      fmt::print("{}", config::render_reference());
      return {};
    };
  });
}

}  // namespace

void add_server_commands(CLI::App& app, CommandLine& line) {
  auto* serve_command =
      app.add_subcommand("serve", "Run the registry until it is told to stop (SIGTERM or Ctrl-C)");
  add_settings(*serve_command, line, true);
  serve_command->footer(
      "Examples:\n"
      "  bulkhead serve                                   ./data on 127.0.0.1:5000, SQLite, no TLS\n"
      "  bulkhead serve --listen 0.0.0.0:443 --tls auto --tls-names registry.example.com\n"
      "  bulkhead serve --config /etc/bulkhead.toml\n"
      "  bulkhead serve --database postgres://bulkhead@db/bulkhead --database-password-file "
      "/run/secrets/db\n\n"
      "Each setting is also a key of the TOML file and an environment variable: --http-idle-timeout is\n"
      "http.idle_timeout and BULKHEAD_HTTP_IDLE_TIMEOUT. Flags go before the environment, and that before "
      "the file.");
  serve_command->callback([&line] {
    line.action = [&line]() -> Result<void> {
      auto loaded = line.load();
      if (!loaded) return loaded.error();
      return serve(loaded->settings, line.program);
    };
  });
  add_setup(app, line);
  add_config(app, line);
}

}  // namespace bulkhead::app

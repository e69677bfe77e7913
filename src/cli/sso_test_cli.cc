// sso test: whether a log-in provider can be asked, step by step.
#include <fmt/format.h>

#include <memory>

#include "base/say.h"
#include "cli/api_cli.h"
#include "cli/sso_test.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

struct TestOptions {
  std::string provider;
  std::string user;
};

Result<json::value> test(ApiClient& client, const TestOptions& options) {
  json::object body;
  if (!options.user.empty()) body["user"] = options.user;
  return client.create(path_of("login-providers", options.provider, "test"), std::move(body));
}

std::string_view text(const json::value& step, std::string_view key) { return step.at(key).as_string(); }

void print(const json::value& outcome) {
  for (const json::value& step : outcome.at("steps").as_array())
    say("{:<5} {:<10} {}\n", step.at("good").as_bool() ? "ok" : "fail", text(step, "name"),
        text(step, "detail"));
}

Result<void> perform_test(const CommandLine& line, const TestOptions& options) {
  bool good = true;
  auto done = perform_api(
      line,
      [&](ApiClient& client) {
        auto outcome = test(client, options);
        if (outcome) good = outcome->at("good").as_bool();
        return outcome;
      },
      print);
  if (!done || good) return done;
  return Error{Errc::unavailable, fmt::format("{} cannot let anybody in as it is", options.provider)};
}

}  // namespace

void warn_of_provider(ApiClient& client, const std::string& provider) {
  const auto outcome = test(client, {provider, {}});
  if (!outcome) return;
  for (const json::value& step : outcome->at("steps").as_array())
    if (!step.at("good").as_bool()) {
      tell(
          "warning: {} cannot let anybody in yet: {}: {}\nWhen that is mended, try it with: bulkhead sso "
          "test {}\n",
          provider, text(step, "name"), text(step, "detail"), provider);
      return;
    }
}

void add_sso_test_command(Command& sso, CommandLine& line) {
  const auto options = std::make_shared<TestOptions>();
  auto* command =
      sso.add_subcommand("test", "Ask a log-in provider as a log-in would, and say how each step went");
  add_settings(*command, line, false);
  command->add_flag("--json", line.json, "Print JSON, for scripts");
  command->add_option("provider", options->provider)->required();
  command->add_option("--user", options->user, "Of a directory: look for this person, and for their groups")
      ->type_name("NAME");
  command->callback(
      [&line, options] { line.action = [&line, options] { return perform_test(line, *options); }; });
  sso.example("sso test corp --user alice");
}

}  // namespace bulkhead::cli

// policy: what the installation, or an organization, asks of credentials.
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "base/say.h"
#include "cli/api_cli.h"
#include "config/value.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

struct PolicyOptions {
  std::string organization;
  std::string mfa_required;
  std::string password_login;
  std::string token_life;
  std::vector<std::string> networks;
};
using Options = std::shared_ptr<PolicyOptions>;

std::string policy_path(const PolicyOptions& options) {
  return options.organization.empty() ? "/policy" : path_of("organizations", options.organization, "policy");
}

Result<void> put_changes(const PolicyOptions& options, json::object& policy) {
  if (!options.mfa_required.empty()) policy["mfa_required"] = options.mfa_required == "true";
  if (!options.password_login.empty()) policy["password_login"] = options.password_login == "true";
  if (!options.token_life.empty()) {
    const auto life = config::as_duration(config::Value(config::Untyped{options.token_life}));
    if (!life)
      return Error{Errc::invalid_argument,
                   fmt::format("\"{}\" is no duration; write 12h or 90d", options.token_life)};
    policy["token_seconds"] = std::chrono::duration_cast<std::chrono::seconds>(*life).count();
  }
  if (options.networks.empty()) return {};
  json::array networks;
  for (const std::string& network : options.networks)
    if (!network.empty()) networks.emplace_back(network);
  policy["networks"] = std::move(networks);
  return {};
}

// A policy is replaced as a whole: what is not named stays what it was.
Result<json::value> set(ApiClient& client, const PolicyOptions& options) {
  if (options.mfa_required.empty() && options.password_login.empty() && options.token_life.empty() &&
      options.networks.empty())
    return Error{Errc::invalid_argument,
                 "say what to change with --mfa-required, --token-life, --network or --password-login"};
  const std::string path = policy_path(options);
  auto current = client.send({.path = path});
  if (!current) return current.error();
  if (auto changed = put_changes(options, current->body.as_object()); !changed) return changed.error();
  auto done = client.send(
      {.method = "PUT", .path = path, .body = std::move(current->body), .if_match = current->etag});
  if (!done) return done.error();
  return std::move(done->body);
}

void print_policy(const json::value& policy) {
  std::string networks;
  for (const json::value& network : policy.at("networks").as_array())
    networks += (networks.empty() ? "" : " ") + std::string(network.as_string());
  say("second factor required: {}\naccess tokens live at most: {}\nnetworks: {}\npasswords log in: {}\n",
      policy.at("mfa_required").as_bool() ? "yes" : "no",
      config::render_duration(std::chrono::seconds(policy.at("token_seconds").to_number<std::int64_t>())),
      networks.empty() ? "any" : networks, policy.at("password_login").as_bool() ? "yes" : "no");
}

}  // namespace

void add_policy_commands(Command& app, CommandLine& line) {
  auto* policy = app.add_subcommand("policy", "What is asked of credentials: show, set");
  policy->require_subcommand();
  const auto options = std::make_shared<PolicyOptions>();
  const auto whose = [&options](Command* command) {
    command->add_option("--org", options->organization,
                        "Of this organization; of the installation when absent");
    return command;
  };
  whose(add_api_command(
      *policy, line, "show", "Show a policy",
      [options](ApiClient& client) { return client.get(policy_path(*options)); },
      [] { return print_policy; }));
  auto* change = whose(add_api_command(
      *policy, line, "set", "Change a policy; it holds from the next request on",
      [options](ApiClient& client) { return set(client, *options); }, [] { return print_policy; }));
  change
      ->add_option("--mfa-required", options->mfa_required,
                   "Whether sessions can do nothing before they have seen a second factor")
      ->one_of({"true", "false"});
  change->add_option("--token-life", options->token_life, "The longest life of an access token, such as 90d");
  change
      ->add_option(
          "--network", options->networks,
          "Where people and tokens may come from (192.0.2.0/24), several times if need be, in place of "
          "those of before; \"\" for anywhere")
      ->one_value()
      ->may_be_empty();
  change->add_option("--password-login", options->password_login, "Whether passwords let anybody in")
      ->one_of({"true", "false"});
  for (const char* example : {
           "policy show --org acme",
           "policy set --mfa-required true --token-life 90d",
       })
    app.example(example);
}

}  // namespace bulkhead::cli

#include <fmt/format.h>

#include <memory>

#include "base/say.h"
#include "cli/api_cli.h"
#include "cli/confirm.h"
#include "cli/remote_tokens.h"
#include "config/value.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

struct RobotOptions {
  std::string robot;  // OWNER+NAME
  std::string name;
  std::string organization;
  std::string repository;
  std::string description;
  // Of a trust.
  std::string trust;
  std::string preset;
  std::string issuer;
  std::string audience;
  std::vector<std::string> claims;
  std::vector<std::string> scopes;
  std::int64_t number = 0;
};
using Options = std::shared_ptr<RobotOptions>;

// Where the robots are that the options speak of.
Result<std::string> robots_path(const RobotOptions& options) {
  if (options.organization.empty() == options.repository.empty())
    return Error{Errc::invalid_argument, "say whose robots with --org or --repo, one of the two"};
  if (!options.organization.empty()) return path_of("organizations", options.organization, "robots");
  return path_of("repositories", options.repository, "robots");
}

Result<json::value> list(ApiClient& client, const RobotOptions& options) {
  const auto path = robots_path(options);
  if (!path) return path.error();
  return as_value(client.list(*path));
}

Result<json::value> create(ApiClient& client, const RobotOptions& options) {
  const auto path = robots_path(options);
  if (!path) return path.error();
  return client.create(*path, {{"name", options.name}, {"description", options.description}});
}

void print_created(const json::value& robot) {
  say("created {}\n", std::string_view(robot.at("name").as_string()));
}

Result<json::value> create_trust(ApiClient& client, const RobotOptions& options) {
  json::object claims;
  for (const std::string& claim : options.claims) {
    const auto equals = claim.find('=');
    if (equals == std::string::npos)
      return Error{Errc::invalid_argument, fmt::format("\"{}\" is no claim; write NAME=VALUE", claim)};
    claims[claim.substr(0, equals)] = claim.substr(equals + 1);
  }
  json::array scopes;
  for (const std::string& text : options.scopes) {
    auto read = api_scopes(text);
    if (!read) return read.error();
    scopes.insert(scopes.end(), read->begin(), read->end());
  }
  json::object body{{"name", options.trust},
                    {"audience", options.audience},
                    {"claims", std::move(claims)},
                    {"scopes", std::move(scopes)}};
  if (!options.preset.empty()) body["preset"] = options.preset;
  if (!options.issuer.empty()) body["issuer"] = options.issuer;
  return client.create(path_of("robots", options.robot, "trusts"), std::move(body));
}

void add_trusts(Command& robot, CommandLine& line, const Options& options) {
  auto* trust = robot.add_subcommand(
      "trust", "CI jobs that act as a robot with no stored secret: create, list, delete");
  trust->require_subcommand();
  auto* add = add_api_command(
      *trust, line, "create", "Let jobs of an issuer act as the robot",
      [options](ApiClient& client) { return create_trust(client, *options); },
      [options] { return print_text(fmt::format("{} trusts {}", options->robot, options->trust)); });
  add->add_option("robot", options->robot, "OWNER+NAME")->required();
  add->add_option("name", options->trust, "What it is for")->required();
  add->add_option("--preset", options->preset, "An issuer that is known: github, gitlab, kubernetes");
  add->add_option("--issuer", options->issuer, "The issuer's URL, where the preset does not say");
  add->add_option("--audience", options->audience, "What its tokens must be made out to")->required();
  add->add_option("--claim", options->claims, "NAME=VALUE that a token must have, several times if need be")
      ->required();
  add->add_option("--scope", options->scopes, "WHERE:ACTIONS, as in acme/app:pull,push")->required();
  add_api_command(
      *trust, line, "list", "List who may act as a robot",
      [options](ApiClient& client) -> Result<json::value> {
        auto answer = client.get(path_of("robots", options->robot, "trusts"));
        if (!answer) return answer.error();
        return answer->at("items");
      },
      [] {
        return print_rows({"NUMBER", "NAME", "ISSUER", "AUDIENCE", "SECONDS"},
                          {"id", "name", "issuer", "audience", "lifetime_seconds"});
      })
      ->add_option("robot", options->robot, "OWNER+NAME")
      ->required();
  auto* remove = add_api_command(
      *trust, line, "delete", "End a trust, and what was issued through it",
      [options](ApiClient& client) {
        return nothing(
            client.remove(path_of("robots", options->robot, "trusts", std::to_string(options->number))));
      },
      [options] { return print_text(fmt::format("trust {} has ended", options->number)); });
  remove->add_option("robot", options->robot, "OWNER+NAME")->required();
  remove->add_option("number", options->number)->required();
}

void add_switch(Command& robot, CommandLine& line, const Options& options, const std::string& name,
                const std::string& about, bool enabled, const std::string& done) {
  add_api_command(
      robot, line, name, about,
      [options, enabled](ApiClient& client) {
        return client.change(path_of("robots", options->robot), {{"enabled", enabled}});
      },
      [options, done] { return print_text(options->robot + done); })
      ->add_option("robot", options->robot, "OWNER+NAME")
      ->required();
}

}  // namespace

void add_robot_commands(Command& app, CommandLine& line) {
  auto* robot =
      app.add_subcommand("robot", "Accounts of programs: create, list, disable, delete, whom they trust");
  robot->require_subcommand();
  const auto options = std::make_shared<RobotOptions>();
  const auto whose = [options](Command* command) {
    command->add_option("--org", options->organization, "The organization that it belongs to");
    command->add_option("--repo", options->repository, "Or the repository");
  };
  whose(add_api_command(
      *robot, line, "list", "List the robots of an organization or a repository",
      [options](ApiClient& client) { return list(client, *options); },
      [] {
        return print_rows({"NAME", "OF", "STATE", "FOR", "CREATED"},
                          {"name", "belongs_to", "state", "description", "created_at"});
      }));
  auto* make = add_api_command(
      *robot, line, "create", "Make a robot; \"token create\" gives it something to log in with",
      [options](ApiClient& client) { return create(client, *options); }, [] { return print_created; });
  make->add_option("name", options->name, "The part after the +")->required();
  make->add_option("--description", options->description, "What it is for");
  whose(make);
  add_switch(*robot, line, options, "disable", "End a robot's tokens at once, and for good", false,
             " is disabled; its tokens have ended");
  add_switch(*robot, line, options, "enable", "Let a disabled robot be given tokens again", true,
             " is enabled");
  auto* remove = add_api_command(
      *robot, line, "delete", "Delete a robot with its tokens, trusts and grants",
      [options](ApiClient& client) { return nothing(client.remove(path_of("robots", options->robot))); },
      [options] { return print_text(fmt::format("{} is deleted", options->robot)); });
  remove->add_option("robot", options->robot, "OWNER+NAME")->required();
  ask_before(*remove, line, [options](ApiClient&) {
    return fmt::format("deletes {} with its tokens, trusts and roles", options->robot);
  });
  add_trusts(*robot, line, options);
  for (const char* example : {
           "robot trust create acme+ci builds --preset github --audience https://registry.example.com "
           "--claim "
           "repository_id=123456 --scope acme/app:pull,push",
           "robot trust list acme+ci",
           "robot trust delete acme+ci 3",
           "robot list --org acme",
           "robot create ci --org acme --description 'pushes builds'",
           "robot delete acme+ci",
           "robot disable acme+ci",
           "robot enable acme+ci",
       })
    app.example(example);
}

}  // namespace bulkhead::cli

// user show, org show, repo show …: one thing with all that the management API tells of it.
#include <fmt/format.h>

#include <memory>

#include "cli/api_cli.h"
#include "cli/fields.h"

namespace bulkhead::cli {
namespace {

using Words = std::vector<std::string>;
using PathOf = std::function<Result<std::string>(const Words&)>;

struct Argument {
  const char* name;
  const char* about;
};

void add_show(Command& parent, CommandLine& line, const std::string& about,
              const std::vector<Argument>& arguments, PathOf path_of_words) {
  const auto words = std::make_shared<Words>(arguments.size());
  auto* command = add_api_command(
      parent, line, "show", about,
      [words, path_of_words = std::move(path_of_words)](ApiClient& client) -> Result<boost::json::value> {
        const auto path = path_of_words(*words);
        if (!path) return path.error();
        return client.get(*path);
      },
      [] { return print_fields; });
  for (std::size_t i = 0; i < arguments.size(); ++i)
    command->add_option(arguments[i].name, (*words)[i], arguments[i].about)->required();
}

PathOf below(const char* root) {
  return [root](const Words& words) -> Result<std::string> { return path_of(root, words[0]); };
}

// Lists write a namespace with its slash.
Result<std::string> namespace_path(const Words& words) {
  std::string name = words[0];
  if (name.size() > 1 && name.ends_with('/')) name.pop_back();
  return path_of("namespaces", name);
}

Result<std::string> team_path(const Words& words) {
  const auto name = parse_team_name(words[0]);
  if (!name) return name.error();
  return path_of("organizations", name->organization, "teams", name->team);
}

}  // namespace

void add_show_commands(Command& app, CommandLine& line) {
  add_show(*app.subcommand("user"), line, "Show an account", {{"name", ""}}, below("users"));
  add_show(*app.subcommand("org"), line, "Show an organization", {{"name", ""}}, below("organizations"));
  add_show(*app.subcommand("team"), line, "Show a team", {{"team", "ORGANIZATION/TEAM"}}, team_path);
  add_show(*app.subcommand("robot"), line, "Show a robot", {{"robot", "OWNER+NAME"}}, below("robots"));
  add_show(*app.subcommand("repo"), line, "Show a repository's settings", {{"name", "Such as alice/app"}},
           below("repositories"));
  add_show(*app.subcommand("namespace"), line, "Show whose a namespace is and what it holds",
           {{"name", "The namespace, or / for the official images"}}, namespace_path);
  add_show(
      *app.subcommand("token"), line, "Show an access token, never its secret",
      {{"account", "The account, or a robot's ORGANIZATION+NAME"}, {"number", "As \"token list\" has it"}},
      [](const Words& words) -> Result<std::string> {
        return path_of("users", words[0], "tokens", words[1]);
      });
  add_show(*app.subcommand("robot")->subcommand("trust"), line, "Show a trust, with its claims and scopes",
           {{"robot", "OWNER+NAME"}, {"number", "As \"robot trust list\" has it"}},
           [](const Words& words) -> Result<std::string> {
             return path_of("robots", words[0], "trusts", words[1]);
           });
  for (const char* example : {
           "user show alice",
           "org show acme",
           "team show acme/devs",
           "robot show acme+ci",
           "repo show alice/app",
           "namespace show alice",
           "token show alice 2",
           "robot trust show acme+ci 1",
       })
    app.example(example);
}

}  // namespace bulkhead::cli

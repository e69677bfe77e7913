#include <fmt/format.h>

#include <memory>

#include "cli/api_cli.h"
#include "cli/confirm.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

struct TeamOptions {
  std::string team;  // ORGANIZATION/TEAM
  std::string organization;
  std::string parent;
  std::string new_name;
  std::string member;
};
using Options = std::shared_ptr<TeamOptions>;

// Runs `work` with the path of the team that the options name.
template <class Work>
Result<json::value> with_team(const TeamOptions& options, Work work) {
  const auto name = parse_team_name(options.team);
  if (!name) return name.error();
  return work(path_of("organizations", name->organization, "teams", name->team));
}

Result<json::value> create(ApiClient& client, const TeamOptions& options) {
  const auto name = parse_team_name(options.team);
  if (!name) return name.error();
  json::object body{{"name", name->team}};
  if (!options.parent.empty()) body["parent"] = team_within(name->organization, options.parent);
  return client.create(path_of("organizations", name->organization, "teams"), std::move(body));
}

Result<json::value> add(ApiClient& client, const TeamOptions& options) {
  return with_team(options, [&](const std::string& path) -> Result<json::value> {
    auto done = client.send({.method = "PUT", .path = path + path_of("members", options.member)});
    if (!done) return done.error();
    return json::value(json::object{});
  });
}

// What the three were called before the verbs became the same everywhere, for scripts.
struct MemberNames {
  const char* list;
  const char* set;
  const char* remove;
};
constexpr MemberNames kNames{"list", "set", "delete"};
constexpr MemberNames kOlderNames{"members", "add", "remove"};

void add_membership(Command& parent, CommandLine& line, const Options& options, const MemberNames& names) {
  auto* list = add_api_command(
      parent, line, names.list, "List who is in a team",
      [options](ApiClient& client) {
        return with_team(*options, [&](const std::string& path) {
          return as_value(client.list(path + path_of("members")));
        });
      },
      [] {
        return print_rows({"ACCOUNT", "NAME", "DIRECT", "BY SIGN-ON"},
                          {"account", "display_name", "direct", "from_directory"});
      });
  list->add_option("team", options->team, "ORGANIZATION/TEAM")->required();
  auto* put = add_api_command(
      parent, line, names.set, "Put a member of the organization into a team",
      [options](ApiClient& client) { return add(client, *options); },
      [options] { return print_text(fmt::format("{} is in {}", options->member, options->team)); });
  put->add_option("team", options->team, "ORGANIZATION/TEAM")->required();
  put->add_option("account", options->member)->required();
  auto* remove = add_api_command(
      parent, line, names.remove, "Take somebody out of a team",
      [options](ApiClient& client) {
        return with_team(*options, [&](const std::string& path) {
          return nothing(client.remove(path + path_of("members", options->member)));
        });
      },
      [options] { return print_text(fmt::format("{} is not in {}", options->member, options->team)); });
  remove->add_option("team", options->team, "ORGANIZATION/TEAM")->required();
  remove->add_option("account", options->member)->required();
  const bool older = &names == &kOlderNames;
  for (Command* command : {list, put, remove})
    if (older) command->hidden();
  if (older) return;
  list->footer("Its older name: team members");
  put->footer("Its older name: team add");
  remove->footer("Its older name: team remove");
}

}  // namespace

void add_team_commands(Command& app, CommandLine& line) {
  auto* team =
      app.add_subcommand("team", "Teams of an organization: create, list, change, delete, who is in");
  team->require_subcommand();
  const auto options = std::make_shared<TeamOptions>();
  add_api_command(
      *team, line, "list", "List an organization's teams",
      [options](ApiClient& client) {
        return as_value(client.list(path_of("organizations", options->organization, "teams")));
      },
      [] {
        return print_rows({"TEAM", "PARENT", "CREATED"}, {"name", "parent", "created_at"});
      })
      ->add_option("organization", options->organization)
      ->required();
  auto* make = add_api_command(
      *team, line, "create", "Make a team", [options](ApiClient& client) { return create(client, *options); },
      [options] { return print_text(fmt::format("created {}", options->team)); });
  make->add_option("team", options->team, "ORGANIZATION/TEAM")->required();
  make->add_option("--parent", options->parent, "A team of the organization, which it has all from");
  auto* rename = add_api_command(
      *team, line, "rename", "Give a team another name; its grants stay",
      [options](ApiClient& client) {
        return with_team(*options, [&](const std::string& path) {
          const std::string organization = options->team.substr(0, options->team.find('/'));
          return client.change(path, {{"name", team_within(organization, options->new_name)}});
        });
      },
      [options] { return print_text(fmt::format("{} is {} now", options->team, options->new_name)); });
  rename->add_option("team", options->team, "ORGANIZATION/TEAM")->required();
  rename->add_option("new_name", options->new_name, "The part after the /")->required();
  auto* move = add_api_command(
      *team, line, "move", "Put a team below another one, from which it has all that that one may",
      [options](ApiClient& client) {
        return with_team(*options, [&](const std::string& path) {
          const bool none = options->parent.empty();
          const std::string parent =
              team_within(options->team.substr(0, options->team.find('/')), options->parent);
          return client.change(path, {{"parent", none ? json::value(nullptr) : json::value(parent)}});
        });
      },
      [options] {
        return print_text(options->parent.empty()
                              ? fmt::format("{} is below no other team", options->team)
                              : fmt::format("{} is below {}", options->team, options->parent));
      });
  move->add_option("team", options->team, "ORGANIZATION/TEAM")->required();
  move->add_option("--parent", options->parent, "A team of the organization; without it, below none");
  auto* remove = add_api_command(
      *team, line, "delete", "Delete a team with its grants",
      [options](ApiClient& client) {
        return with_team(*options, [&](const std::string& path) { return nothing(client.remove(path)); });
      },
      [options] { return print_text(fmt::format("{} is deleted", options->team)); });
  remove->add_option("team", options->team, "ORGANIZATION/TEAM")->required();
  ask_before(*remove, line, [options](ApiClient&) {
    return fmt::format("deletes {} with the roles that it was given", options->team);
  });
  auto* member = team->add_subcommand("member", "Who is in a team: list, set, delete");
  add_membership(*member, line, options, kNames);
  add_membership(*team, line, options, kOlderNames);
  for (const char* example : {
           "team member list acme/devs",
           "team member set acme/devs bob",
           "team member delete acme/devs bob",
           "team list acme",
           "team create acme/devs",
           "team rename acme/devs developers",
           "team delete acme/devs",
       })
    app.example(example);
  app.example("team move acme/web --parent backend");
}

}  // namespace bulkhead::cli

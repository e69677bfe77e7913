#include <fmt/format.h>

#include <memory>

#include "base/say.h"
#include "cli/api_cli.h"
#include "cli/confirm.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

struct OrganizationOptions {
  std::string name;
  std::string new_name;
  std::string display_name;
  std::string owner;
  std::string member_role;
  std::string member;
  std::string role = "member";
  std::string team;
  std::string email;
  std::string invitation;
  bool has_display_name = false;
};
using Options = std::shared_ptr<OrganizationOptions>;

Result<json::value> create(ApiClient& client, const OrganizationOptions& options) {
  json::object body{{"name", options.name}, {"display_name", options.display_name}};
  if (!options.owner.empty()) body["owner"] = options.owner;
  return client.create("/organizations", std::move(body));
}

Result<json::value> set(ApiClient& client, const OrganizationOptions& options) {
  json::object body;
  if (options.has_display_name) body["display_name"] = options.display_name;
  if (!options.member_role.empty()) body["member_role"] = options.member_role;
  if (body.empty())
    return Error{Errc::invalid_argument, "say what to change with --display-name or --member-role"};
  return client.change(path_of("organizations", options.name), std::move(body));
}

Result<json::value> invite(ApiClient& client, const OrganizationOptions& options) {
  json::object body{{"role", options.role}};
  if (!options.member.empty()) body["account"] = options.member;
  if (!options.email.empty()) body["email"] = options.email;
  if (!options.team.empty()) body["team"] = team_within(options.name, options.team);
  return client.create(path_of("organizations", options.name, "invitations"), std::move(body));
}

void print_invitation(const json::value& value) {
  say("{}\nGive this to whoever is invited; it is not shown again. They accept with: bulkhead org accept "
      "TOKEN\n",
      std::string_view(value.at("secret").as_string()));
  const std::string_view email = value.at("invitation").at("email").as_string();
  if (!email.empty())
    say("It takes an account with this verified address: bulkhead user email NAME {} --verified\n", email);
}

std::string lost_invitation(const json::value& value) {
  const json::value& invitation = value.at("invitation");
  return fmt::format(
      "the invitation's token could not be shown; withdraw it with: bulkhead org withdraw {} {}",
      std::string_view(invitation.at("organization").as_string()), invitation.at("id").as_int64());
}

Result<json::value> list_invitations(ApiClient& client, const OrganizationOptions& options) {
  if (!options.name.empty())
    return as_value(client.list(path_of("organizations", options.name, "invitations")));
  auto answer = client.get("/invitations");
  if (!answer) return answer.error();
  return answer->at("items");
}

// By its number, or by the token that it came with.
Result<json::value> accept(ApiClient& client, const std::string& invitation) {
  const bool number = invitation.find_first_not_of("0123456789") == std::string::npos;
  auto done = number
                  ? client.send({.method = "POST", .path = path_of("invitations", invitation, "acceptance")})
                  : client.send({.method = "POST",
                                 .path = "/invitations/acceptance",
                                 .body = json::object{{"token", invitation}}});
  if (!done) return done.error();
  return json::value(json::object{});
}

void add_members(Command& org, CommandLine& line, const Options& options) {
  auto* member = org.add_subcommand("member", "Who belongs to an organization: list, set, delete");
  member->require_subcommand();
  add_api_command(
      *member, line, "list", "List an organization's members",
      [options](ApiClient& client) {
        return as_value(client.list(path_of("organizations", options->name, "members")));
      },
      [] {
        return print_rows({"ACCOUNT", "ROLE", "NAME", "BY SIGN-ON"},
                          {"account", "role", "display_name", "from_directory"});
      })
      ->add_option("organization", options->name)
      ->required();
  auto* put = add_api_command(
      *member, line, "set", "Make an account a member or an owner",
      [options](ApiClient& client) {
        return client.put(path_of("organizations", options->name, "members", options->member),
                          {{"role", options->role}});
      },
      [options] {
        return print_text(fmt::format("{} is {} of {}", options->member, options->role, options->name));
      });
  put->add_option("organization", options->name)->required();
  put->add_option("account", options->member)->required();
  put->add_option("role", options->role)->one_of({"member", "owner"});
  auto* remove = add_api_command(
      *member, line, "delete", "Take somebody out of an organization, with all that it gave",
      [options](ApiClient& client) {
        return nothing(client.remove(path_of("organizations", options->name, "members", options->member)));
      },
      [options] {
        return print_text(fmt::format("{} does not belong to {}", options->member, options->name));
      });
  remove->add_option("organization", options->name)->required();
  remove->add_option("account", options->member)->required();
}

void add_invitations(Command& org, CommandLine& line, const Options& options) {
  auto* invitation = add_api_command(
      org, line, "invite", "Invite an account, or whoever has an e-mail address",
      [options](ApiClient& client) { return invite(client, *options); }, [] { return print_invitation; },
      lost_invitation);
  invitation->add_option("organization", options->name)->required();
  invitation->add_option("--account", options->member, "Whom to invite");
  invitation->add_option("--email", options->email, "Or whoever has this verified address");
  invitation->add_option("--role", options->role)->one_of({"member", "owner"});
  invitation->add_option("--team", options->team, "A team to put them into");
  add_api_command(
      org, line, "invitations", "List the open invitations: those for you, or an organization's",
      [options](ApiClient& client) { return list_invitations(client, *options); },
      [] {
        return print_rows(
            {"NUMBER", "ORGANIZATION", "ROLE", "TEAM", "ACCOUNT", "E-MAIL", "FROM", "UNTIL"},
            {"id", "organization", "role", "team", "account", "email", "invited_by", "expires_at"});
      })
      ->add_option("organization", options->name, "Those that its owners have sent");
  add_api_command(
      org, line, "accept", "Accept an invitation",
      [options](ApiClient& client) { return accept(client, options->invitation); },
      [] { return print_text("welcome"); })
      ->add_option("invitation", options->invitation,
                   "Its number, as \"org invitations\" lists it, or the token that it came with")
      ->required();
  add_api_command(
      org, line, "decline", "Decline an invitation to you",
      [options](ApiClient& client) {
        return nothing(client.remove(path_of("invitations", options->invitation)));
      },
      [options] { return print_text(fmt::format("invitation {} is declined", options->invitation)); })
      ->add_option("number", options->invitation, "As \"org invitations\" lists it")
      ->required();
  auto* withdraw = add_api_command(
      org, line, "withdraw", "Withdraw an invitation; its token is worth nothing then",
      [options](ApiClient& client) {
        return nothing(
            client.remove(path_of("organizations", options->name, "invitations", options->invitation)));
      },
      [options] { return print_text(fmt::format("invitation {} is withdrawn", options->invitation)); });
  withdraw->add_option("organization", options->name)->required();
  withdraw->add_option("number", options->invitation, "As \"org invitations ORGANIZATION\" lists it")
      ->required();
}

// "3 teams, ".
std::string count_of(std::size_t count, const char* what) {
  return fmt::format("{} {}{}, ", count, what, count == 1 ? "" : "s");
}

void add_changes(Command& org, CommandLine& line, const Options& options) {
  auto* make = add_api_command(
      org, line, "create", "Make an organization and the namespace of its name",
      [options](ApiClient& client) { return create(client, *options); },
      [options] { return print_text(fmt::format("created {}", options->name)); });
  make->add_option("name", options->name)->required();
  make->add_option("--display-name", options->display_name, "What it is called");
  make->add_option("--owner", options->owner, "Its first owner; you when absent");
  auto* set_command = add_api_command(
      org, line, "set", "Change what it is called and what every member may do",
      [options](ApiClient& client) { return set(client, *options); },
      [options] { return print_text(fmt::format("{} is changed", options->name)); });
  set_command->add_option("name", options->name)->required();
  set_command
      ->add_option(
          "--display-name",
          [options](const std::string& text) {
            options->display_name = text;
            options->has_display_name = true;
          },
          "What it is called")
      ->may_be_empty();
  set_command
      ->add_option("--member-role", options->member_role,
                   "What every member may do in its repositories, without any grant")
      ->one_of({"none", "reader", "writer"});
  auto* rename = add_api_command(
      org, line, "rename", "Give it another name; grants and tokens stay",
      [options](ApiClient& client) {
        return client.create(path_of("organizations", options->name, "rename"),
                             {{"name", options->new_name}});
      },
      [options] { return print_text(fmt::format("{} is {} now", options->name, options->new_name)); });
  rename->add_option("name", options->name)->required();
  rename->add_option("new_name", options->new_name)->required();
  auto* remove = add_api_command(
      org, line, "delete", "Delete an organization that has no repositories left",
      [options](ApiClient& client) {
        return nothing(client.remove(path_of("organizations", options->name)));
      },
      [options] { return print_text(fmt::format("{} is deleted", options->name)); });
  remove->add_option("name", options->name)->required();
  ask_before(*remove, line, [options](ApiClient& client) {
    const auto teams = client.list(path_of("organizations", options->name, "teams"));
    const auto members = client.list(path_of("organizations", options->name, "members"));
    return fmt::format("deletes {} with its {}{}robots, invitations and grants", options->name,
                       teams ? count_of(teams->size(), "team") : "",
                       members ? count_of(members->size(), "membership") : "");
  });
}

}  // namespace

void add_organization_commands(Command& app, CommandLine& line) {
  auto* org = app.add_subcommand("org", "Organizations: create, list, change, delete, their members");
  org->require_subcommand();
  const auto options = std::make_shared<OrganizationOptions>();
  add_api_command(
      *org, line, "list", "List the organizations that you belong to, or all of them",
      [](ApiClient& client) { return as_value(client.list("/organizations")); },
      [] {
        return print_rows({"NAME", "CALLED", "MEMBERS MAY", "CREATED"},
                          {"name", "display_name", "member_role", "created_at"});
      });
  add_changes(*org, line, options);
  add_members(*org, line, options);
  add_invitations(*org, line, options);
  for (const char* example : {
           "org member list acme",
           "org member set acme bob owner",
           "org member delete acme bob",
           "org invite acme --account bob --team devs",
           "org invite acme --email carol@example.com",
           "org invitations acme",
           "org accept 7",
           "org withdraw acme 7",
           "org create acme --display-name 'Acme Ltd' --owner alice",
           "org set acme --member-role reader",
           "org rename acme acme-tools",
           "org delete acme",
           "org list",
       })
    app.example(example);
  app.example("org decline 3");
}

}  // namespace bulkhead::cli

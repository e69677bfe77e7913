// user email, display-name, role, lock: what the management API alone changes of an account.
#include <fmt/format.h>

#include <memory>

#include "cli/api_cli.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

struct ProfileOptions {
  std::string name;
  std::string email;
  std::string display_name;
  std::string role;
  bool verified = false;
};

}  // namespace

void add_profile_commands(Command& user, CommandLine& line) {
  const auto options = std::make_shared<ProfileOptions>();
  auto* email = add_api_command(
      user, line, "email", "Enter somebody's e-mail address; invitations by e-mail need a verified one",
      [options](ApiClient& client) {
        json::object changes{{"email", options->email}};
        if (options->verified) changes["email_verified"] = true;
        return client.change(path_of("users", options->name), std::move(changes));
      },
      [options] {
        return print_text(fmt::format("{} has the {}address {}", options->name,
                                      options->verified ? "verified " : "", options->email));
      });
  email->add_option("name", options->name)->required();
  email->add_option("address", options->email)->required();
  email->add_flag("--verified", options->verified, "You vouch for it being theirs; for administrators");
  auto* called = add_api_command(
      user, line, "display-name", "Say what somebody is called; \"\" for nothing but the name",
      [options](ApiClient& client) {
        return client.change(path_of("users", options->name), {{"display_name", options->display_name}});
      },
      [options] {
        return print_text(fmt::format("{} is called \"{}\"", options->name, options->display_name));
      });
  called->add_option("name", options->name)->required();
  called->add_option("text", options->display_name, "Such as 'Alice Adams'")->may_be_empty()->required();
  add_api_command(
      user, line, "lock",
      "Stop an account until somebody has looked at it: its sessions and tokens end, and \"user enable\" "
      "lets it in",
      [options](ApiClient& client) {
        return client.change(path_of("users", options->name), {{"state", "locked"}});
      },
      [options] {
        return print_text(fmt::format("{} is locked; its sessions and tokens have ended", options->name));
      })
      ->add_option("name", options->name)
      ->required();
  auto* role = add_api_command(
      user, line, "role", "Give an account another system role, in place of the one that it has",
      [options](ApiClient& client) {
        return client.change(path_of("users", options->name), {{"system_role", options->role}});
      },
      [options] { return print_text(fmt::format("{} has the role {}", options->name, options->role)); });
  role->add_option("name", options->name)->required();
  role->add_option("role", options->role)
      ->required()
      ->one_of({"none", "auditor", "security_officer", "administrator"});
  for (const char* example : {
           "user email carol carol@example.com --verified",
           "user role carol auditor",
       })
    user.example(example);
  for (const char* example : {
           "user lock bob",
           "user display-name alice 'Alice Adams'",
       })
    user.example(example);
}

}  // namespace bulkhead::cli

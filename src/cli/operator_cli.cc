#include <fmt/format.h>

#include <boost/json/value_to.hpp>
#include <memory>

#include "base/say.h"
#include "cli/command_line.h"
#include "cli/confirm.h"
#include "cli/terminal.h"
#include "config/value.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

using Print = Printer;

Print sentence(std::string text) {
  return [text = std::move(text)](const json::value&) { say("{}\n", text); };
}

std::string text(const json::value& row, std::string_view key) {
  const json::value& value = row.as_object().at(key);
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  if (value.is_int64()) return std::to_string(value.get_int64());
  return "";
}

// An array of objects as a table of the given keys.
Print table(std::vector<std::string> header, std::vector<std::string> keys) {
  return [header = std::move(header), keys = std::move(keys)](const json::value& value) {
    Rows rows{header};
    for (const json::value& row : value.as_array()) {
      std::vector<std::string> cells;
      for (const std::string& key : keys) cells.push_back(text(row, key));
      rows.push_back(std::move(cells));
    }
    return rows;
  };
}

// A namespace without its slash was looked for among the official images.
Error with_slash(const json::object& command, Error error) {
  if (error.code != Errc::not_found && error.code != Errc::name_unknown) return error;
  for (const char* key : {"target", "repository"}) {
    const json::value* given = command.if_contains(key);
    if (given == nullptr || given->as_string().find('/') != json::string::npos) continue;
    error.message +=
        fmt::format("; if the namespace is meant, write {}/", std::string_view(given->as_string()));
  }
  return error;
}

// A subcommand that runs one operator command. `arguments` builds it when the line has been read.
Command* add(Command& parent, CommandLine& line, const std::string& name, const std::string& about,
             std::function<Result<json::object>()> arguments, std::function<Print()> print) {
  auto* command = parent.add_subcommand(name, about);
  add_settings(*command, line, false);
  command->add_flag("--json", line.json, "Print JSON, for scripts");
  command->callback([&line, arguments = std::move(arguments), print = std::move(print)] {
    line.action = [&line, arguments, print]() -> Result<void> {
      auto object = arguments();
      if (!object) return object.error();
      const auto done = perform(line, *object, print());
      if (!done) return with_slash(*object, done.error());
      return {};
    };
  });
  return command;
}

struct UserOptions {
  std::string name;
  bool admin = false;
  bool replace = false;
  bool password_stdin = false;
};

void add_user_commands(Command& app, CommandLine& line) {
  auto* user = app.add_subcommand("user", "Accounts: create, list, disable, enable, unlock, change");
  user->require_subcommand();
  const auto options = std::make_shared<UserOptions>();

  auto* create = add(
      *user, line, "create", "Make an account and the namespace of its name",
      [options]() -> Result<json::object> {
        auto password = read_password(options->password_stdin);
        if (!password) return password.error();
        return json::object{{"command", "user.create"},
                            {"name", options->name},
                            {"password", password->reveal()},
                            {"admin", options->admin}};
      },
      [options] { return sentence(fmt::format("created {}", options->name)); });
  create->add_option("name", options->name, "Lower-case letters, digits and . _ - between them")->required();
  create->add_flag("--admin", options->admin,
                   "An administrator: manages the installation and its official images");
  create->add_flag("--password-stdin", options->password_stdin, "Read the password from standard input");

  auto* password = add(
      *user, line, "password",
      "Set a new password; every session, bearer and access token of the account ends at once",
      [options]() -> Result<json::object> {
        auto secret = read_password(options->password_stdin);
        if (!secret) return secret.error();
        return json::object{
            {"command", "user.password"}, {"name", options->name}, {"password", secret->reveal()}};
      },
      [options] {
        return sentence(
            fmt::format("{} has a new password; its sessions and tokens have ended", options->name));
      });
  password->add_option("name", options->name)->required();
  password->add_flag("--password-stdin", options->password_stdin, "Read the password from standard input");

  const auto add_switch = [&](const std::string& name, const std::string& about, const std::string& key,
                              bool value, const std::string& done) {
    auto* command = add(
        *user, line, name, about,
        [options, key, value]() -> Result<json::object> {
          json::object object{{"command", "user.set"}, {"name", options->name}, {key, value}};
          if (options->replace) object["replace"] = true;
          return object;
        },
        [options, done] { return sentence(options->name + done); });
    command->add_option("name", options->name)->required();
    return command;
  };
  auto* disable = add_switch(
      "disable", "End an account's sessions and tokens at once and for good; nothing else of it is deleted",
      "active", false, " is disabled; its sessions and tokens have ended");
  ask_before(*disable, line, [options](ApiClient&) {
    return fmt::format("ends every session and token of {} for good", options->name);
  });
  add_switch("enable", "Let a disabled account log in again; what ended stays so", "active", true,
             " is enabled");
  add(
      *user, line, "unlock", "Let somebody log in again who is kept out by failed log-ins",
      [options]() -> Result<json::object> {
        return json::object{{"command", "user.unlock"}, {"name", options->name}};
      },
      [options] {
        return sentence(fmt::format("{} may log in again; failed log-ins count anew", options->name));
      })
      ->add_option("name", options->name)
      ->required();
  auto* reset = add(
      *user, line, "reset-factors",
      "Take the second factor of somebody who has lost it, with every session and token of the account",
      [options]() -> Result<json::object> {
        return json::object{{"command", "user.reset_factors"}, {"name", options->name}};
      },
      [options] {
        return sentence(fmt::format("{} has no second factor any more; its sessions and tokens have ended",
                                    options->name));
      });
  reset->add_option("name", options->name)->required();
  ask_before(*reset, line, [options](ApiClient&) {
    return fmt::format("takes the second factor of {}, and ends every session and token of theirs",
                       options->name);
  });
  for (auto* command :
       {add_switch("promote", "Make an account an administrator", "admin", true, " is an administrator"),
        add_switch("demote", "Make an administrator an ordinary account", "admin", false,
                   " is no administrator")})
    command->add_flag("--replace", options->replace,
                      "Also where the account has another role, which it loses");
  add_profile_commands(*user, line);
  add(
      *user, line, "list", "List all accounts",
      []() -> Result<json::object> {
        return json::object{{"command", "user.list"}};
      },
      [] {
        return table({"NAME", "KIND", "STATE", "ROLE", "CREATED"},
                     {"name", "kind", "state", "system_role", "created_at"});
      });
}

struct RepositoryOptions {
  std::string name;
  std::string new_name;
  std::string visibility;
  std::string owner;
  std::string contact;
  std::string immutable_tags;
  std::string protected_tags;
  std::string upload;
  bool all = false;
};

// The command object's key, the flag, and what it says.
struct RepositoryFlag {
  std::string key;
  std::string flag;
  std::string RepositoryOptions::*value;
  std::string about;
};
std::vector<RepositoryFlag> repository_flags() {
  return {{"visibility", "--visibility", &RepositoryOptions::visibility,
           "public: anybody may pull; private: by role"},
          {"owner", "--owner", &RepositoryOptions::owner, "The person who answers for it"},
          {"contact", "--contact", &RepositoryOptions::contact,
           "Whom to write to about it: an address, a team's name"},
          {"immutable_tags", "--immutable-tags", &RepositoryOptions::immutable_tags,
           "Tags that never move or go: a pattern such as 'v*' ('*' for any characters, '' for none)"},
          {"protected_tags", "--protected-tags", &RepositoryOptions::protected_tags,
           "Tags that only maintainers and owners move and delete: a pattern"}};
}

void add_repository_commands(Command& app, CommandLine& line) {
  auto* repo = app.add_subcommand("repo", "Repositories: list, create, change, delete");
  repo->require_subcommand();
  const auto options = std::make_shared<RepositoryOptions>();
  add(
      *repo, line, "list", "List all repositories",
      []() -> Result<json::object> {
        return json::object{{"command", "repo.list"}};
      },
      [] {
        return table(
            {"NAME", "VISIBILITY", "OWNER", "CONTACT", "IMMUTABLE TAGS", "PROTECTED TAGS", "CREATED"},
            {"name", "visibility", "owner", "contact", "immutable_tags", "protected_tags", "created_at"});
      });
  auto* create = add(
      *repo, line, "create", "Make an empty private repository (a push does so too)",
      [options]() -> Result<json::object> {
        json::object command{{"command", "repo.create"}, {"name", options->name}};
        if (!options->owner.empty()) command["owner"] = options->owner;
        return command;
      },
      [options] { return sentence(fmt::format("{} is created", options->name)); });
  create->add_option("name", options->name)->required();
  create->add_option("--owner", options->owner,
                     "The person who answers for it; without this, the namespace's owner");
  auto* rename = add(
      *repo, line, "rename", "Give a repository another name, in its namespace or another",
      [options]() -> Result<json::object> {
        return json::object{
            {"command", "repo.rename"}, {"name", options->name}, {"new_name", options->new_name}};
      },
      [options] { return sentence(fmt::format("{} is now {}", options->name, options->new_name)); });
  rename->add_option("name", options->name)->required();
  rename->add_option("new-name", options->new_name)->required();
  auto* remove = add(
      *repo, line, "delete", "Delete a repository with all its tags and manifests",
      [options, &line]() -> Result<json::object> {
        if (!line.yes && !can_ask())
          return Error{
              Errc::invalid_argument,
              fmt::format("this deletes every tag and manifest of {}; say so with --yes", options->name)};
        return json::object{{"command", "repo.delete"}, {"name", options->name}};
      },
      [options] { return sentence(fmt::format("{} is deleted", options->name)); });
  remove->add_option("name", options->name)->required();
  ask_before(*remove, line, [options](ApiClient&) {
    return fmt::format("deletes {} with every tag and manifest in it", options->name);
  });

  auto* set = app.subcommand("repo");
  auto* change = add(
      *set, line, "set", "Change who sees a repository, who answers for it and which of its tags stay",
      [options, set]() -> Result<json::object> {
        json::object command{{"command", "repo.set"}, {"name", options->name}};
        for (const RepositoryFlag& flag : repository_flags())
          if (set->subcommand("set")->given(flag.flag)) command[flag.key] = options.get()->*flag.value;
        if (command.size() == 2)
          return Error{Errc::invalid_argument, "nothing to change: give one of the flags that --help lists"};
        return command;
      },
      [options] { return sentence(fmt::format("{} is changed", options->name)); });
  change->add_option("name", options->name)->required();
  for (const RepositoryFlag& flag : repository_flags()) {
    auto* option = change->add_option(flag.flag, options.get()->*flag.value, flag.about);
    const std::string_view key = flag.key;
    if (key == "visibility") option->one_of({"public", "private"});
    if (key.ends_with("_tags")) option->may_be_empty();
  }
}

void print_uploads(const json::value& value) {
  std::vector<std::vector<std::string>> rows{{"UPLOAD", "ACCOUNT", "SIZE", "LAST USED"}};
  for (const json::value& row : value.as_array())
    rows.push_back({text(row, "id"), text(row, "account"),
                    render_bytes(row.as_object().at("bytes").to_number<std::uint64_t>()),
                    text(row, "last_used_at")});
  say_lines(render_table(rows));
}

void add_upload_command(Command& app, CommandLine& line) {
  auto* repo = app.subcommand("repo");
  const auto options = std::make_shared<RepositoryOptions>();
  auto* uploads = add(
      *repo, line, "uploads",
      "List uploads to a repository that were begun and have not ended, or cancel them",
      [options]() -> Result<json::object> {
        if (options->all && !options->upload.empty())
          return Error{Errc::invalid_argument, "give --cancel or --all, not both"};
        if (!options->all && options->upload.empty())
          return json::object{{"command", "repo.uploads"}, {"name", options->name}};
        json::object command{{"command", "repo.cancel_uploads"}, {"name", options->name}};
        if (!options->all) command["id"] = options->upload;
        return command;
      },
      [options]() -> Print {
        if (!options->all && options->upload.empty()) return print_uploads;
        return [options](const json::value& value) {
          say("{} uploads to {} are cancelled\n", text(value, "cancelled"), options->name);
        };
      });
  uploads->add_option("name", options->name)->required();
  uploads->add_option("--cancel", options->upload, "Cancel the one of this id, whosever it is");
  uploads->add_flag("--all", options->all, "Cancel all that nothing is being sent to");
}

struct GrantOptions {
  std::string subject;
  std::string role;
  std::string target;
  bool given = false;

  // What list shows is what was given, and not what comes of it.
  bool lists_given() const { return given || target.empty() || target.ends_with('/'); }
};

void add_grant_commands(Command& app, CommandLine& line) {
  auto* grant = app.add_subcommand("grant", "Roles: who may do what where");
  grant->require_subcommand();
  const auto options = std::make_shared<GrantOptions>();
  const std::string who = "An account (alice), a robot (acme+ci) or a team (team:acme/devs)";
  const std::string where = "A repository (alice/app), a namespace (alice/), or / for the official images";
  auto* set = add(
      *grant, line, "set", "Give an account or a team a role",
      [options]() -> Result<json::object> {
        return json::object{{"command", "grant.set"},
                            {"subject", options->subject},
                            {"role", options->role},
                            {"target", options->target}};
      },
      [options] {
        return sentence(fmt::format("{} is {} of {}", options->subject, options->role, options->target));
      });
  set->add_option("subject", options->subject, who)->required();
  set->add_option("role", options->role,
                  "reader pulls; writer pushes too; maintainer deletes, and moves protected tags, too")
      ->required()
      ->one_of({"reader", "writer", "maintainer"});
  set->add_option("target", options->target, where)->required();
  auto* remove = add(
      *grant, line, "delete", "Take a role away; it holds from the next request",
      [options]() -> Result<json::object> {
        return json::object{
            {"command", "grant.remove"}, {"subject", options->subject}, {"target", options->target}};
      },
      [options] {
        return sentence(fmt::format("{} has no role of its own on {}", options->subject, options->target));
      });
  remove->add_option("subject", options->subject, who)->required();
  remove->add_option("target", options->target, where)->required();
  auto* list = add(
      *grant, line, "list",
      "List all roles given, or those in one namespace; or everybody who has a role in one repository, and "
      "why",
      [options]() -> Result<json::object> {
        json::object command{{"command", "grant.list"}};
        if (!options->target.empty()) command["repository"] = options->target;
        if (options->given && !options->target.empty()) command["given"] = true;
        return command;
      },
      [options] {
        if (options->lists_given())
          return table({"TARGET", "SUBJECT", "ROLE"}, {"target", "subject", "role"});
        return table({"ACCOUNT", "ROLE", "THROUGH", "GIVES"}, {"account", "role", "through", "gives"});
      });
  list->add_option("repository", options->target, "A repository (alice/app), or a namespace (alice/)");
  list->add_flag("--given", options->given, "Of a repository, only the roles given on it itself");
}

struct NamespaceOptions {
  std::string name;
  std::string quota;
};

Rows namespace_rows(const json::value& value) {
  Rows rows{{"NAMESPACE", "OWNER", "USED", "QUOTA"}};
  for (const json::value& row : value.as_array()) {
    const json::value& quota = row.as_object().at("quota_bytes");
    rows.push_back({text(row, "name"), text(row, "owner"),
                    render_bytes(static_cast<std::uint64_t>(row.as_object().at("used_bytes").as_int64())),
                    quota.is_null() ? "none" : render_bytes(static_cast<std::uint64_t>(quota.as_int64()))});
  }
  return rows;
}

void add_namespace_commands(Command& app, CommandLine& line) {
  auto* space = app.add_subcommand("namespace", "Namespaces: list, and how much each may hold");
  space->require_subcommand();
  const auto options = std::make_shared<NamespaceOptions>();
  add(
      *space, line, "list", "List all namespaces with what they hold",
      []() -> Result<json::object> {
        return json::object{{"command", "namespace.list"}};
      },
      [] { return Print(namespace_rows); });
  auto* set = add(
      *space, line, "set", "Limit how much a namespace may hold",
      [options]() -> Result<json::object> {
        // Lists say "alice/", and so do roles: both are the namespace.
        std::string name = options->name;
        if (name.size() > 1 && name.ends_with('/')) name.pop_back();
        json::object command{{"command", "namespace.set"}, {"name", name}};
        if (options->quota == "none") {
          command["quota"] = -1;
          return command;
        }
        const auto bytes = config::as_size(config::Value(config::Untyped{options->quota}));
        if (!bytes)
          return Error{Errc::invalid_argument,
                       fmt::format("\"{}\" is no size; write 500MiB, 10GiB or none", options->quota)};
        command["quota"] = *bytes;
        return command;
      },
      [options] { return sentence(fmt::format("the quota of {} is {}", options->name, options->quota)); });
  set->add_option("name", options->name, "The namespace, or / for the official images")->required();
  set->add_option("--quota", options->quota, "A size such as 10GiB, or none")->required();
}

}  // namespace

void add_operator_commands(Command& app, CommandLine& line) {
  add_user_commands(app, line);
  add_repository_commands(app, line);
  add_upload_command(app, line);
  add_grant_commands(app, line);
  add_namespace_commands(app, line);
  for (const char* example : {
           "user create alice --admin",
           "user password alice",
           "user disable bob",
           "user enable bob",
           "user unlock alice",
           "user reset-factors alice",
           "user promote alice",
           "user demote bob",
           "user list",
           "repo list",
           "repo create alice/app",
           "repo rename alice/app acme/app",
           "repo delete alice/app --yes",
           "repo set alice/app --visibility public",
           "repo set alice/app --immutable-tags 'v*'",
           "grant set bob writer alice/app",
           "grant set team:acme/devs reader acme/",
           "grant delete bob alice/app",
           "grant list alice/app",
           "namespace list",
           "namespace set alice --quota 10GiB",
       })
    app.example(example);
  for (const char* example : {
           "repo uploads alice/app",
           "repo uploads alice/app --all",
       })
    app.example(example);
}

}  // namespace bulkhead::cli

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/say.h"
#include "cli/command_line.h"
#include "cli/confirm.h"
#include "cli/operator.h"
#include "cli/target.h"
#include "cli/terminal.h"
#include "crypto/keyring.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

struct KeysOptions {
  std::string purpose;
  bool resume = false;
  bool force = false;
  std::int64_t version = 0;
  std::string file;
};

std::string purposes() {
  std::string text;
  for (const crypto::KeyPurpose purpose : crypto::key_purposes())
    text.append(text.empty() ? "" : ", ").append(name(purpose));
  return text;
}

std::string text(const json::object& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

std::string needs_of(const json::array& counted) {
  std::string needs;
  for (const json::value& need : counted)
    needs += fmt::format("{}{} ({})", needs.empty() ? "" : ", ", text(need.as_object(), "what"),
                         need.as_object().at("count").to_number<std::int64_t>());
  return needs.empty() ? "-" : needs;
}

void print_list(const json::value& value) {
  const json::object& object = value.as_object();
  Rows rows{{"PURPOSE", "VERSION", "CREATED", "STATE", "NEEDED BY"}};
  for (const json::value& each : object.at("versions").as_array()) {
    const json::object& version = each.as_object();
    const bool current = version.at("current").as_bool();
    const bool may_go = version.at("may_go").as_bool();
    rows.push_back({text(version, "purpose"), std::to_string(version.at("version").to_number<std::int64_t>()),
                    text(version, "created_at"),
                    current  ? "current"
                    : may_go ? "may go"
                             : "replaced",
                    needs_of(version.at("needed_by").as_array())});
  }
  print_table(rows);
  say("The key files are {}.\n",
      object.at("sealed").as_bool() ? "sealed" : "plain: whoever has them has the keys");
  if (!object.at("locked").as_bool())
    say("Keys may reach the swap: the limit of locked memory is too small.\n");
  const json::object& left = object.at("left").as_object();
  const auto data_keys = left.at("data_keys").to_number<std::int64_t>();
  const auto values = left.at("values").to_number<std::int64_t>();
  if (data_keys + values > 0)
    say("{} data keys and {} values wait for the newest key-encryption key: bulkhead keys rotate "
        "--resume\n",
        data_keys, values);
  if (const auto lost = left.at("lost_values").to_number<std::int64_t>(); lost > 0)
    say("{} values are sealed under keys that are lost: enter them anew (secrets of log-in providers, "
        "authenticator "
        "apps)\n",
        lost);
}

struct Resealed {
  std::int64_t changed = 0;
  std::int64_t unreadable = 0;
};

// Steps until everything is under the current key-encryption key. Says how far it is once a second.
Result<Resealed> reseal(Operator& operations) {
  Resealed sum;
  json::object command{{"command", "keys.advance"}, {"stage", 0}, {"after", 0}};
  auto next_report = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  for (bool finished = false; !finished;) {
    const auto step = operations.run(command);
    if (!step) return step.error();
    const json::object& object = step->as_object();
    sum.changed += object.at("changed").to_number<std::int64_t>();
    sum.unreadable += object.at("unreadable").to_number<std::int64_t>();
    finished = object.at("finished").as_bool();
    command["stage"] = object.at("stage");
    command["after"] = object.at("after");
    if (std::chrono::steady_clock::now() < next_report) continue;
    next_report += std::chrono::seconds(1);
    tell("sealed anew: {}\n", sum.changed);
  }
  return sum;
}

Result<void> rotate(const CommandLine& line, const KeysOptions& options) {
  if (auto local = check_local(line); !local) return local.error();
  const auto loaded = line.load(Fallback::installed);
  if (!loaded) return loaded.error();
  Operator operations(loaded->settings, names_data(line));
  tell_target(data_target(loaded->settings));
  std::vector<std::string> wanted;
  if (!options.purpose.empty()) {
    wanted = {options.purpose};
  } else if (!options.resume) {
    // The log's key is its name to those who verify it: it changes only when that is what is asked for.
    for (const crypto::KeyPurpose purpose : crypto::key_purposes())
      if (purpose != crypto::KeyPurpose::log_signing) wanted.emplace_back(name(purpose));
  }
  json::array rotated;
  for (const std::string& purpose : wanted) {
    auto made = operations.run({{"command", "keys.rotate"}, {"purpose", purpose}});
    if (!made) return made.error();
    if (!line.json)
      say("{}: version {} is current\n", purpose, made->as_object().at("version").to_number<std::int64_t>());
    flush_output();
    rotated.push_back(std::move(*made));
  }
  Resealed resealed;
  if (options.resume || options.purpose.empty() || options.purpose == "key-encryption") {
    const auto done = reseal(operations);
    if (!done) return done.error();
    resealed = *done;
  }
  if (line.json) {
    say_json(json::serialize(json::object{{"rotated", std::move(rotated)},
                                          {"resealed", resealed.changed},
                                          {"unreadable", resealed.unreadable}}));
    return {};
  }
  if (resealed.changed > 0) say("{} data keys and values are sealed anew\n", resealed.changed);
  if (resealed.unreadable > 0)
    say("{} cannot be read: their key is gone, and they have to be entered again\n", resealed.unreadable);
  return {};
}

template <class Action>
Command* add(Command& parent, CommandLine& line, const std::string& name, const std::string& about,
             Action action) {
  auto* command = parent.add_subcommand(name, about);
  add_settings(*command, line, false);
  command->add_flag("--json", line.json, "Print JSON, for scripts");
  command->callback([&line, action] { line.action = action; });
  return command;
}

void add_rotate(Command& keys, CommandLine& line, const std::shared_ptr<KeysOptions>& options) {
  auto* command = add(keys, line, "rotate", "Make new versions and bring what is sealed under them",
                      [&line, options] { return rotate(line, *options); });
  auto* purpose = command->add_option("purpose", options->purpose,
                                      fmt::format("One of {}; without it, all but log-signing", purposes()));
  command->add_flag("--resume", options->resume, "Make no new version; finish what was interrupted")
      ->excludes(purpose);
  command->footer(
      "Old versions go on verifying until nothing needs them; \"bulkhead keys list\" shows what does. May be "
      "interrupted at any point: the running server finishes it, and so does --resume.");
}

void add_retire(Command& keys, CommandLine& line, const std::shared_ptr<KeysOptions>& options) {
  auto* command = add(keys, line, "retire", "Remove an old version that nothing needs", [&line, options] {
    return perform(line,
                   {{"command", "keys.retire"},
                    {"purpose", options->purpose},
                    {"version", options->version},
                    {"force", options->force}},
                   [options](const json::value& done) {
                     say("version {} of {} is gone\n", options->version, options->purpose);
                     const json::array& ended = done.as_object().at("ended").as_array();
                     if (!ended.empty()) say("ended with it: {}\n", needs_of(ended));
                   });
  });
  command->add_option("purpose", options->purpose, fmt::format("One of {}", purposes()))->required();
  command->add_option("version", options->version, "Its number")->required();
  command->add_flag("--force", options->force, "Also when something needs it; that stops working");
  ask_before(*command, line, [options](ApiClient&) {
    return options->force ? fmt::format("removes version {} of {}, and what needs it stops working for good",
                                        options->version, options->purpose)
                          : "";
  });
}

void add_protection(Command& keys, CommandLine& line, const std::shared_ptr<KeysOptions>& options) {
  add(keys, line, "passphrase", "Seal the key files under a passphrase, or under another one",
      [&line, options] {
        // The server's working directory is another.
        const auto file = std::filesystem::absolute(options->file).string();
        return perform(line, {{"command", "keys.protect"}, {"passphrase_file", file}},
                       [file](const json::value&) {
                         say("The keys are sealed. Before the next start, set keys_passphrase_file to "
                             "{}\n",
                             file);
                       });
      })
      ->add_option("file", options->file, "A file whose first line is the passphrase")
      ->required();
  add(keys, line, "unprotect", "Leave the key files plain", [&line] {
    return perform(line, {{"command", "keys.protect"}, {"passphrase_file", ""}}, [](const json::value&) {
      say("The key files are plain. Before the next start, take out keys_passphrase_file and "
          "keys_pkcs11_module\n");
    });
  });
}

}  // namespace

void add_keys_commands(Command& app, CommandLine& line) {
  auto* keys = app.add_subcommand("keys", "The keyring: list, rotate, retire, protect");
  keys->require_subcommand();
  const auto options = std::make_shared<KeysOptions>();
  add(*keys, line, "list", "List all versions, what needs each, and which may go", [&line] {
    return perform(line, {{"command", "keys.list"}}, print_list);
  });
  add_rotate(*keys, line, options);
  add_retire(*keys, line, options);
  add_protection(*keys, line, options);
  for (const char* example : {
           "keys rotate",
           "keys retire token-signing 1",
           "keys passphrase /etc/bulkhead/passphrase",
           "keys unprotect",
           "keys list",
       })
    app.example(example);
}

}  // namespace bulkhead::cli

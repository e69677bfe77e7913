#include "cli/completion.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/say.h"
#include "cli/help.h"
#include "cli/login_store.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

constexpr ::itimerval kDeadline{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 900'000}};

extern "C" void give_up(int) { ::_exit(0); }

// Nobody waits for completion, and nobody reads what it complains of.
void be_quick_and_quiet() {
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere >= 0) {
    ::dup2(nowhere, 0);
    ::dup2(nowhere, 2);
  }
  ::signal(SIGALRM, give_up);
  ::setitimer(ITIMER_REAL, &kDeadline, nullptr);
}

// Names have no other characters; what has was made by somebody who is after the shell.
bool is_harmless(std::string_view name) {
  static constexpr std::string_view kSigns = "._-/+:@";
  return !name.empty() && name.front() != '-' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kSigns.find(c) != std::string_view::npos;
  });
}

// What a word is the name of.
enum class Kind : std::uint8_t {
  none,
  file,
  account,
  repository,
  space,
  organization,
  team,
  robot,
  provider,
  target,
  subject,
  server,
  command
};

Kind kind_of_name(const Command& command) {
  // What is made has no name yet.
  if (command.name() == "create") return Kind::none;
  const std::string path = command.path() + " ";
  for (const auto& [group, kind] : {std::pair(" user ", Kind::account),
                                    {" repo ", Kind::repository},
                                    {" namespace ", Kind::space},
                                    {" org ", Kind::organization},
                                    {" provider ", Kind::provider}})
    if (path.find(group) != std::string::npos) return kind;
  return Kind::none;
}

Kind kind_of(const Command& command, const Option::Facts& facts) {
  std::string word = facts.argument.empty() ? facts.flags.back().substr(2) : facts.argument;
  if (facts.value == "FILE" || facts.value == "DIR" || word == "ca" || word == "file" || word == "directory")
    return Kind::file;
  if (word == "name" && !facts.argument.empty()) return kind_of_name(command);
  // What is made has no name yet.
  if (command.name() == "create" && command.parent() != nullptr && command.parent()->name() == word)
    return Kind::none;
  for (const auto& [name, kind] : {std::pair("account", Kind::account),
                                   {"user", Kind::account},
                                   {"owner", Kind::account},
                                   {"organization", Kind::organization},
                                   {"org", Kind::organization},
                                   {"repository", Kind::repository},
                                   {"repo", Kind::repository},
                                   {"team", Kind::team},
                                   {"robot", Kind::robot},
                                   {"provider", Kind::provider},
                                   {"sso", Kind::provider},
                                   {"target", Kind::target},
                                   {"subject", Kind::subject},
                                   {"server", Kind::server},
                                   {"command", Kind::command}})
    if (word == name) return kind;
  return Kind::none;
}

// Puts what begins with the word at the cursor on standard output.
class Candidates {
 public:
  explicit Candidates(std::string word) : word_(std::move(word)) {}

  const std::string& word() const { return word_; }
  void add(const std::string& candidate, const std::string& about = {}) const {
    if (candidate.starts_with(word_)) say("{}\t{}\n", candidate, about.substr(0, about.find_first_of(";:,")));
  }
  void add_name(const std::string& name) const {
    if (is_harmless(name)) add(name);
  }

 private:
  std::string word_;
};

class Names {
 public:
  Names(ApiClient& client, const Candidates& out) : client_(client), out_(out) {}

  void add(Kind kind) {
    switch (kind) {
      case Kind::account: return add_all("/users");
      case Kind::repository: return add_all("/repositories");
      case Kind::space: return add_all("/namespaces");
      case Kind::organization: return add_all("/organizations");
      case Kind::provider: return add_all("/login-providers");
      case Kind::team: return add_teams("");
      case Kind::robot: return add_robots();
      case Kind::target: add_all("/repositories"); return add_all("/namespaces", "", "/");
      case Kind::subject: add_all("/users"); return add_teams("team:");
      default: return;
    }
  }

 private:
  std::vector<std::string> names_at(const std::string& path) {
    std::vector<std::string> out;
    const auto items = client_.list(path);
    if (!items) return out;
    for (const json::value& item : *items)
      if (const json::value* name = item.is_object() ? item.get_object().if_contains("name") : nullptr;
          name != nullptr && name->is_string())
        out.emplace_back(name->get_string());
    return out;
  }

  void add_all(const std::string& path, const std::string& before = {}, const std::string& after = {}) {
    for (const std::string& name : names_at(path))
      out_.add_name(before + name + (name.ends_with('/') ? "" : after));
  }

  // Those of one organization, once it is typed; before, the organizations.
  void add_teams(const std::string& before) {
    const std::string& word = out_.word();
    if (!word.starts_with(before)) {
      if (before.starts_with(word)) out_.add(before);
      return;
    }
    const auto slash = word.find('/');
    if (slash == std::string::npos) return add_all("/organizations", before, "/");
    const std::string organization = word.substr(before.size(), slash - before.size());
    add_all(path_of("organizations", organization, "teams"), before + organization + "/");
  }

  void add_robots() {
    const auto plus = out_.word().find('+');
    if (plus == std::string::npos) {
      for (const std::string& organization : names_at("/organizations")) out_.add_name(organization + "+");
      return;
    }
    add_all(path_of("organizations", out_.word().substr(0, plus), "robots"));
  }

  ApiClient& client_;
  const Candidates& out_;
};

void add_servers(const Candidates& out) {
  const auto path = LoginStore::default_path();
  const auto store = path ? LoginStore::load(*path) : Result<LoginStore>(path.error());
  if (!store) return;
  for (const auto& [server, session] : store->sessions()) out.add_name(registry_of(server));
}

void add_commands(const Command& group, const Candidates& out) {
  for (const auto& command : group.subcommands())
    if (!command->is_hidden()) out.add(command->name(), command->about());
}

// Where the cursor is in the words of a command.
struct Place {
  const Option* value_of = nullptr;  // a flag's value
  std::size_t argument = 0;          // else, or the argument of that number
  std::vector<std::string> arguments;
};

const Option* find_flag(const Command& command, std::string_view flag) {
  for (const auto& option : command.options())
    if (std::ranges::find(option->facts().flags, flag) != option->facts().flags.end()) return option.get();
  return nullptr;
}

Place place_in(const Command& command, CommandLine& line, std::span<const std::string> words) {
  Place place;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with('-') || word.size() == 1) {
      place.arguments.push_back(word);
      continue;
    }
    const auto equals = word.find('=');
    const Option* option = find_flag(command, word.substr(0, equals));
    if (option == nullptr || option->facts().value.empty()) continue;
    if (equals == std::string::npos && i + 2 == words.size()) {
      place.value_of = option;
      break;
    }
    const std::string value = equals == std::string::npos ? words[++i] : word.substr(equals + 1);
    // Where to ask for names.
    if (word.starts_with("--server")) line.server = value;
    if (word.starts_with("--data")) line.flags["data"] = value;
    if (word.starts_with("--config")) line.config_file = value;
  }
  place.argument = place.arguments.size();
  return place;
}

const Option* option_at(const Command& command, const Place& place) {
  if (place.value_of != nullptr) return place.value_of;
  std::size_t number = 0;
  for (const auto& option : command.options()) {
    if (option->facts().argument.empty()) continue;
    if (number++ == place.argument || option->facts().repeats) return option.get();
  }
  return nullptr;
}

void complete_command(const Command& root, const Place& place, const Candidates& out) {
  const Command* named = &root;
  for (const std::string& word : place.arguments)
    if (named = named->find(word); named == nullptr) return;
  add_commands(*named, out);
}

void complete_in(const Command& root, const Command& command, CommandLine& line,
                 std::span<const std::string> words) {
  const Candidates out(words.back());
  const Place place = place_in(command, line, words);
  if (place.value_of == nullptr && out.word().starts_with('-')) {
    for (const auto& option : command.options())
      if (!option->facts().hidden && !option->facts().flags.empty())
        out.add(option->facts().flags.back(), option->facts().about);
    out.add("--help", "Explain this command");
    return;
  }
  const Option* option = option_at(command, place);
  if (option == nullptr) return;
  for (const std::string& word : option->facts().choice) out.add(word);
  const Kind kind = kind_of(command, option->facts());
  if (kind == Kind::file) say(":files\n");
  if (kind == Kind::server) add_servers(out);
  if (kind == Kind::command) complete_command(root, place, out);
  if (kind == Kind::none || kind == Kind::file || kind == Kind::server || kind == Kind::command) return;
  // Of a server: the data of this machine is opened for nobody who has not asked for it.
  const auto remote = remote_server(line);
  if (remote && *remote) Names(*(*remote)->client, out).add(kind);
}

}  // namespace

int complete(const Command& root, CommandLine& line, std::span<const std::string> words) {
  be_quick_and_quiet();
  if (words.empty()) return 0;
  const Command* named = &root;
  std::size_t next = 0;
  while (next + 1 < words.size() && named->is_group()) {
    named = named->find(words[next++]);
    if (named == nullptr) return 0;
  }
  if (named->is_group())
    add_commands(*named, Candidates(words.back()));
  else
    complete_in(root, *named, line, words.subspan(next));
  return 0;
}

}  // namespace bulkhead::cli

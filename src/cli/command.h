// Commands, their flags and arguments. What parses them (CLI11) stays in command.cc: it is a header that
// takes longer to compile than all that a command file has of its own.
//
// A command belongs to its parent, an option to its command; both are handed out as pointers that live as
// long as the root. Where an option's value goes must outlive parse(). Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace bulkhead::cli {

class Option {
 public:
  explicit Option(CLI::Option& option) : option_(option) {}

  Option* required();
  Option* one_of(std::initializer_list<const char*> words);
  Option* range(std::int64_t least, std::int64_t most);
  Option* type_name(const std::string& name);
  Option* group(const std::string& name);
  Option* take_last();     // given again, it means the last one; else that is an error
  Option* one_value();     // of a list: one value each time the flag is given
  Option* show_default();  // in the help: what its variable holds now
  Option* excludes(Option* other);

 private:
  CLI::Option& option_;
};

class Command {
 public:
  // The root, the program itself.
  Command(const std::string& about, const std::string& name);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command();

  Command* add_subcommand(const std::string& name, const std::string& about);
  // `name` is "--flag", "-f,--flag" or a positional argument's "name".
  Option* add_option(const std::string& name, std::string& value, const std::string& about = {});
  Option* add_option(const std::string& name, std::vector<std::string>& values,
                     const std::string& about = {});
  Option* add_option(const std::string& name, std::int64_t& value, const std::string& about = {});
  Option* add_option(const std::string& name, std::function<void(const std::string&)> take,
                     const std::string& about);
  Option* add_flag(const std::string& name, bool& value, const std::string& about);

  void require_subcommand();
  void footer(const std::string& text);
  void version(const std::string& text);
  // Called when the command line names this command.
  void callback(std::function<void()> work);

  // The subcommand of that name; there is one.
  Command* subcommand(const std::string& name);
  // Whether the command line gave it, once parsed.
  bool given(const std::string& option) const;

  // Parses, and calls back; the exit status, where nothing is left to do: help was asked for and given, or
  // the command line is not understood, which was said.
  std::optional<int> parse(int argc, char** argv);

 private:
  explicit Command(CLI::App& app);
  Option* keep(CLI::Option* option);

  std::unique_ptr<CLI::App> root_;  // of the root alone
  CLI::App& app_;
  std::vector<std::unique_ptr<Command>> subcommands_;
  std::vector<std::unique_ptr<Option>> options_;
};

}  // namespace bulkhead::cli

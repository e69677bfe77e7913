// Commands, their flags and arguments. What parses them (CLI11) stays in command.cc: it is a header that
// takes longer to compile than all that a command file has of its own.
//
// What is declared here is also what help, completion, the manual and docs/guide/cli.md are made of: each
// reads it back from the root.
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
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace bulkhead::cli {

class Option {
 public:
  // What was declared, for whoever explains it.
  struct Facts {
    std::vector<std::string> flags;  // "-n", "--count"; none for an argument
    std::string argument;            // its name, of an argument
    std::string about;
    std::string value;                // what stands for its value, "NAME"; "" for a flag without one
    std::vector<std::string> choice;  // the values that it takes, where they are few
    std::string default_text;
    std::string group;
    bool required = false;
    bool repeats = false;
    bool hidden = false;
  };

  Option(CLI::Option& option, Facts facts) : option_(option), facts_(std::move(facts)) {}

  Option* required();
  Option* one_of(std::initializer_list<const char*> words);
  Option* range(std::int64_t least, std::int64_t most);
  Option* type_name(const std::string& name);     // "" for the one that its own name makes
  Option* group(const std::string& name);         // the heading of help that it stands below; "" hides it
  Option* take_last();                            // given again, it means the last one; else that is an error
  Option* one_value();                            // of a list: one value each time the flag is given
  Option* show_default();                         // in the help: what its variable holds now
  Option* default_text(const std::string& text);  // in the help: this
  Option* excludes(Option* other);
  // Otherwise a value that is empty is refused: it is a script's variable that was not set, and what is left
  // out means something larger more often than not.
  Option* may_be_empty();

  const Facts& facts() const { return facts_; }

 private:
  friend class Command;

  CLI::Option& option_;
  Facts facts_;
  bool may_be_empty_ = false;
};

// Which of the root's commands stand together in its help, and in which order.
struct Heading {
  std::string title;
  std::vector<std::string> commands;
};

class Command {
 public:
  // The root, the program itself.
  Command(const std::string& about, const std::string& name) : Command(nullptr, name, about) {}
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

  // Called before that.
  void before(std::function<void()> work) { before_ = std::move(work); }

  // Another name that it goes by, of an older version.
  Command* alias(const std::string& name);
  // A command line as somebody would type it, without the program's name: an example of the command that it
  // names, which is there already. Each command has one.
  void example(const std::string& line);
  // Works, and is listed nowhere.
  Command* hidden();
  // Of the root: what its help lists below which heading; what is in none comes last.
  void arrange(std::vector<Heading> headings);

  // The subcommand of that name; there is one.
  Command* subcommand(const std::string& name);
  // Whether the command line gave it, once parsed.
  bool given(const std::string& option) const;

  // Parses, and calls back; the exit status, where nothing is left to do: help was asked for and given, or
  // the command line is not understood, which was said.
  std::optional<int> parse(int argc, char** argv);

  // What was declared.
  const std::string& name() const { return name_; }
  const std::string& about() const { return about_; }
  const std::string& notes() const { return footer_; }
  const Command* parent() const { return parent_; }
  std::string path() const;  // "bulkhead user create"
  bool is_hidden() const { return hidden_; }
  bool is_group() const { return !subcommands_.empty(); }
  const std::vector<std::string>& aliases() const { return aliases_; }
  const std::vector<std::string>& examples() const { return examples_; }
  const std::vector<Heading>& headings() const { return headings_; }
  const std::vector<std::unique_ptr<Command>>& subcommands() const { return subcommands_; }
  const std::vector<std::unique_ptr<Option>>& options() const { return options_; }
  // By its name or an alias; nullptr where there is none.
  const Command* find(std::string_view name) const;

 private:
  Command(Command* parent, std::string name, std::string about);
  Option* keep(CLI::Option* option, const std::string& name, const std::string& about, std::string value);
  int complain(const std::exception& error) const;

  std::unique_ptr<CLI::App> app_;  // knows of no other: which command is meant is found here
  Command* parent_;
  std::string name_;
  std::string about_;
  std::string footer_;
  std::string version_;
  std::vector<std::string> aliases_;
  std::vector<std::string> examples_;
  std::vector<Heading> headings_;
  bool hidden_ = false;
  std::function<void()> before_;
  std::vector<std::unique_ptr<Command>> subcommands_;
  std::vector<std::unique_ptr<Option>> options_;
};

}  // namespace bulkhead::cli

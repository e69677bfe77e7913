#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <sstream>
#include <string>
#include <utility>

#include "base/say.h"

namespace bulkhead::cli {
namespace {

constexpr int kNotUnderstood = 2;

}  // namespace

Option* Option::required() {
  option_.required();
  return this;
}

Option* Option::one_of(std::initializer_list<const char*> words) {
  option_.check(CLI::IsMember(std::vector<std::string>(words.begin(), words.end())));
  return this;
}

Option* Option::range(std::int64_t least, std::int64_t most) {
  option_.check(CLI::Range(least, most));
  return this;
}

Option* Option::type_name(const std::string& name) {
  option_.type_name(name);
  return this;
}

Option* Option::group(const std::string& name) {
  option_.group(name);
  return this;
}

Option* Option::take_last() {
  option_.take_last();
  return this;
}

Option* Option::one_value() {
  option_.allow_extra_args(false);
  return this;
}

Option* Option::show_default() {
  option_.capture_default_str();
  return this;
}

Option* Option::excludes(Option* other) {
  option_.excludes(&other->option_);
  return this;
}

Command::Command(const std::string& about, const std::string& name)
    : root_(std::make_unique<CLI::App>(about, name)), app_(*root_) {}

Command::Command(CLI::App& app) : app_(app) {}

Command::~Command() = default;

Option* Command::keep(CLI::Option* option) {
  return options_.emplace_back(std::make_unique<Option>(*option)).get();
}

Command* Command::add_subcommand(const std::string& name, const std::string& about) {
  return subcommands_.emplace_back(new Command(*app_.add_subcommand(name, about))).get();
}

Option* Command::add_option(const std::string& name, std::string& value, const std::string& about) {
  return keep(app_.add_option(name, value, about));
}

Option* Command::add_option(const std::string& name, std::vector<std::string>& values,
                            const std::string& about) {
  return keep(app_.add_option(name, values, about));
}

Option* Command::add_option(const std::string& name, std::int64_t& value, const std::string& about) {
  return keep(app_.add_option(name, value, about));
}

Option* Command::add_option(const std::string& name, std::function<void(const std::string&)> take,
                            const std::string& about) {
  return keep(app_.add_option_function<std::string>(name, std::move(take), about));
}

Option* Command::add_flag(const std::string& name, bool& value, const std::string& about) {
  return keep(app_.add_flag(name, value, about));
}

void Command::require_subcommand() { app_.require_subcommand(1); }

void Command::footer(const std::string& text) { app_.footer(text); }

void Command::version(const std::string& text) { app_.set_version_flag("--version", text); }

void Command::callback(std::function<void()> work) { app_.callback(std::move(work)); }

Command* Command::subcommand(const std::string& name) {
  const CLI::App* wanted = app_.get_subcommand(name);
  for (const auto& command : subcommands_)
    if (&command->app_ == wanted) return command.get();
  return nullptr;
}

bool Command::given(const std::string& option) const { return app_.count(option) > 0; }

std::optional<int> Command::parse(int argc, char** argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 only says that some subcommand is missing.
    const CLI::App* named = &app_;
    std::string path;
    int next = 1;
    while (!named->get_subcommands().empty()) {
      named = named->get_subcommands().front();
      path += named->get_name() + " ";
      ++next;
    }
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr &&
        named->get_require_subcommand_min() > 0 && next < argc && argv[next][0] != '-') {
      tell("bulkhead: there is no command \"{}{}\"; \"bulkhead {}--help\" lists them\n", path, argv[next],
           path);
      return kNotUnderstood;
    }
    std::ostringstream output;
    std::ostringstream complaint;
    const int status = app_.exit(error, output, complaint);
    say_lines(output.str());
    tell_lines(complaint.str());
    return status == 0 ? 0 : kNotUnderstood;
  }
  return std::nullopt;
}

}  // namespace bulkhead::cli

#include "cli/command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <utility>

#include "base/say.h"
#include "cli/help.h"
#include "config/suggest.h"

namespace bulkhead::cli {
namespace {

constexpr int kNotUnderstood = 2;

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c == '_' ? '-' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  });
  return text;
}

// "--display-name" takes a NAME.
std::string value_name(const std::string& name) {
  const auto dash = name.rfind('-');
  return upper(dash == std::string::npos ? name : name.substr(dash + 1));
}

std::string did_you_mean(std::string_view text, const std::vector<std::string>& candidates,
                         std::string_view before = {}) {
  const auto meant = config::nearest(text, candidates, "");
  return meant ? fmt::format("did you mean \"{}{}\"? ", before, *meant) : "";
}

}  // namespace

Option* Option::required() {
  option_.required();
  facts_.required = true;
  return this;
}

Option* Option::one_of(std::initializer_list<const char*> words) {
  facts_.choice.assign(words.begin(), words.end());
  option_.check([choice = facts_.choice](const std::string& given) {
    if (std::ranges::find(choice, given) != choice.end()) return std::string();
    return fmt::format("{} is none of {}", quote(given), fmt::join(choice, ", "));
  });
  return this;
}

Option* Option::range(std::int64_t least, std::int64_t most) {
  option_.check(CLI::Range(least, most));
  return this;
}

Option* Option::type_name(const std::string& name) {
  option_.type_name(name);
  if (!name.empty()) facts_.value = name;
  return this;
}

Option* Option::group(const std::string& name) {
  facts_.group = name;
  facts_.hidden = name.empty();
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
  facts_.default_text = option_.get_default_str();
  return this;
}

Option* Option::default_text(const std::string& text) {
  facts_.default_text = text;
  return this;
}

Option* Option::excludes(Option* other) {
  option_.excludes(&other->option_);
  return this;
}

Option* Option::may_be_empty() {
  may_be_empty_ = true;
  return this;
}

Command::Command(Command* parent, std::string name, std::string about)
    : app_(std::make_unique<CLI::App>(about, name)),
      parent_(parent),
      name_(std::move(name)),
      about_(std::move(about)) {}

Command::~Command() = default;

Option* Command::keep(CLI::Option* option, const std::string& name, const std::string& about,
                      std::string value) {
  Option::Facts facts;
  facts.about = about;
  facts.value = std::move(value);
  if (name.starts_with('-'))
    facts.flags = CLI::detail::split(name, ',');
  else
    facts.argument = name;
  Option* kept = options_.emplace_back(std::make_unique<Option>(*option, std::move(facts))).get();
  if (!kept->facts_.value.empty())
    option->check([kept](const std::string& given) {
      if (!given.empty() || kept->may_be_empty_) return std::string();
      return std::string("its value is empty; leave it out, or say what is meant");
    });
  return kept;
}

Command* Command::add_subcommand(const std::string& name, const std::string& about) {
  return subcommands_.emplace_back(new Command(this, name, about)).get();
}

Option* Command::add_option(const std::string& name, std::string& value, const std::string& about) {
  return keep(app_->add_option(name, value, about), name, about, value_name(name))->default_text(value);
}

Option* Command::add_option(const std::string& name, std::vector<std::string>& values,
                            const std::string& about) {
  Option* option = keep(app_->add_option(name, values, about), name, about, value_name(name));
  option->facts_.repeats = true;
  return option;
}

Option* Command::add_option(const std::string& name, std::int64_t& value, const std::string& about) {
  return keep(app_->add_option(name, value, about), name, about, value_name(name));
}

Option* Command::add_option(const std::string& name, std::function<void(const std::string&)> take,
                            const std::string& about) {
  return keep(app_->add_option_function<std::string>(name, std::move(take), about), name, about,
              value_name(name));
}

Option* Command::add_flag(const std::string& name, bool& value, const std::string& about) {
  return keep(app_->add_flag(name, value, about), name, about, "");
}

void Command::require_subcommand() {}  // what has subcommands takes one

void Command::footer(const std::string& text) { footer_ = text; }

void Command::version(const std::string& text) { version_ = text; }

void Command::callback(std::function<void()> work) {
  app_->callback([this, work = std::move(work)] {
    if (before_) before_();
    work();
  });
}

Command* Command::alias(const std::string& name) {
  aliases_.push_back(name);
  return this;
}

void Command::example(const std::string& line) {
  Command* named = this;
  while (named->parent_ != nullptr) named = named->parent_;
  for (const std::string& word : CLI::detail::split(line, ' ')) {
    Command* below = named->subcommand(word);
    if (below == nullptr) break;
    named = below;
  }
  named->examples_.push_back(line);
}

Command* Command::hidden() {
  hidden_ = true;
  return this;
}

void Command::arrange(std::vector<Heading> headings) { headings_ = std::move(headings); }

Command* Command::subcommand(const std::string& name) {
  const auto found = std::ranges::find(subcommands_, name, [](const auto& each) { return each->name_; });
  return found == subcommands_.end() ? nullptr : found->get();
}

bool Command::given(const std::string& option) const { return app_->count(option) > 0; }

std::string Command::path() const { return parent_ == nullptr ? name_ : parent_->path() + " " + name_; }

const Command* Command::find(std::string_view name) const {
  for (const auto& command : subcommands_)
    if (command->name_ == name || std::ranges::find(command->aliases_, name) != command->aliases_.end())
      return command.get();
  return nullptr;
}

// What is wrong with the command line of a command that has no others below it; the exit status.
int Command::complain(const std::exception& error) const {
  const std::string help = fmt::format("\"{} --help\" explains it", path());
  const auto fail = [&](const std::string& what) {
    tell("bulkhead: {}\n", what);
    return kNotUnderstood;
  };
  const auto extras = app_->remaining();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !extras.empty()) {
    const std::string& extra = extras.front();
    if (!extra.starts_with('-'))
      return fail(fmt::format("{}: {} is one word too many; {}", path(), quote(extra), help));
    std::vector<std::string> flags{"--help"};
    for (const auto& option : options_)
      if (!option->facts_.hidden)
        flags.insert(flags.end(), option->facts_.flags.begin(), option->facts_.flags.end());
    const std::string flag = extra.substr(0, extra.find('='));
    return fail(fmt::format("{} has no flag {}; {}{}", path(), quote(flag), did_you_mean(flag, flags), help));
  }
  for (const auto& option : options_)
    if (option->facts_.required && option->option_.count() == 0)
      return fail(fmt::format("{}: {} is missing; write: {}", path(), label_of(*option), usage_of(*this)));
  return fail(fmt::format("{}: {}; {}", path(), error.what(), help));
}

std::optional<int> Command::parse(int argc, char** argv) {
  // What has commands below it has no flags of its own but these.
  const Command* named = this;
  int next = 1;
  for (; next < argc && named->is_group(); ++next) {
    const std::string_view word = argv[next];
    if (word == "--help" || word == "-h") break;
    if (word == "--version" && named == this && !version_.empty()) {
      say("{}\n", version_);
      return 0;
    }
    const Command* below = named->find(word);
    if (below == nullptr) {
      std::vector<std::string> names;
      for (const auto& command : named->subcommands_)
        if (!command->hidden_) names.push_back(command->name_);
      const std::string path = named == this ? std::string() : named->path().substr(name_.size() + 1) + " ";
      tell("bulkhead: there is no {} \"{}{}\"; {}\"bulkhead {}--help\" lists them\n",
           word.starts_with('-') ? "flag" : "command", path, word,
           did_you_mean(word, names, name_ + " " + path), path);
      return kNotUnderstood;
    }
    named = below;
  }
  if (named->is_group()) {
    const std::string text = help_of(*named, help_columns());
    if (next < argc || named == this) {
      say_lines(text);
      return 0;
    }
    tell_lines(text);
    return kNotUnderstood;
  }
  try {
    // CLI11 takes them from the end.
    std::vector<std::string> words(std::make_reverse_iterator(argv + argc),
                                   std::make_reverse_iterator(argv + next));
    named->app_->parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    say_lines(help_of(*named, help_columns()));
    return 0;
  } catch (const CLI::ParseError& error) {
    return named->complain(error);
  }
  return std::nullopt;
}

}  // namespace bulkhead::cli

#include "cli/help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "cli/terminal.h"

namespace bulkhead::cli {
namespace {

constexpr std::size_t kWidest = 100;  // lines that are longer are hard to read
constexpr std::size_t kNarrowest = 20;
// Below this, what explains a name stands on the lines below it.
constexpr std::size_t kBeside = 50;
constexpr std::size_t kLongestName = 26;
constexpr const char* kOutput = "Output";
constexpr std::array kPrinting = {"--json", "--wide"};

bool is_printing(const Option& option) {
  return std::ranges::any_of(option.facts().flags, [](const std::string& flag) {
    return std::ranges::find(kPrinting, flag) != kPrinting.end();
  });
}

using Entry = std::pair<std::string, std::string>;  // a name and what it is

Entry help_entry() { return {"-h, --help", "Explain the command"}; }

std::string render(const std::vector<Entry>& entries, std::size_t columns) {
  std::size_t widest = 0;
  for (const auto& [name, about] : entries)
    if (name.size() <= kLongestName) widest = std::max(widest, characters(name));
  const std::size_t margin = columns < kBeside ? 6 : widest + 4;
  std::string out;
  for (const auto& [name, about] : entries) {
    std::string line = "  " + name;
    const bool beside = columns >= kBeside && characters(name) <= widest;
    if (about.empty() || !beside) out += line + "\n";
    if (about.empty()) continue;
    const std::string text = wrap(about, columns - margin, margin);
    if (beside)
      out += line + std::string(margin - characters(line), ' ') + text;
    else
      out += std::string(margin, ' ') + text;
  }
  return out;
}

void add_section(std::string& out, std::string_view title, const std::string& body) {
  if (!body.empty()) out += fmt::format("\n{}:\n{}", title, body);
}

std::string flag_label(const Option& option) {
  // Long flags stand below each other, whether or not they have a short form.
  const std::vector<std::string>& flags = option.facts().flags;
  return (!flags.empty() && flags.front().size() != 2 ? "    " : "") + label_of(option);
}

}  // namespace

std::string wrap(std::string_view text, std::size_t columns, std::size_t indent) {
  std::string out;
  const std::string margin(indent, ' ');
  bool first = true;
  while (!text.empty()) {
    std::string_view paragraph = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), paragraph.size() + 1));
    std::string line;
    const auto put = [&] {
      out += (first || line.empty() ? "" : margin) + line + "\n";
      first = false;
      line.clear();
    };
    if (paragraph.starts_with(' ')) {
      line = paragraph;
      put();
      continue;
    }
    while (!paragraph.empty()) {
      const std::string_view word = paragraph.substr(0, paragraph.find(' '));
      paragraph.remove_prefix(std::min(paragraph.size(), word.size() + 1));
      if (!line.empty() && characters(line) + 1 + characters(word) > columns) put();
      line += (line.empty() ? "" : " ") + std::string(word);
    }
    put();
  }
  return out;
}

std::size_t help_columns() { return std::clamp(look_at_output().columns, kNarrowest, kWidest); }

std::string label_of(const Option& option) {
  const Option::Facts& facts = option.facts();
  if (!facts.argument.empty()) return facts.value;
  std::string label = fmt::format("{}", fmt::join(facts.flags, ", "));
  if (!facts.value.empty()) label += " " + facts.value;
  return label;
}

std::string about_of(const Option& option) {
  const Option::Facts& facts = option.facts();
  std::string about = facts.about;
  const auto add = [&about](const std::string& more) { about += (about.empty() ? "" : " ") + more; };
  if (!facts.choice.empty()) {
    const std::string choice = fmt::format("{}", fmt::join(facts.choice, ", "));
    add(about.empty() ? "One of " + choice : fmt::format("[{}]", choice));
  }
  if (!facts.default_text.empty()) add(fmt::format("(default: {})", facts.default_text));
  return about;
}

std::string usage_of(const Command& command) {
  std::string usage = command.path();
  if (command.is_group()) return usage + " COMMAND";
  std::string optional;
  for (const auto& option : command.options()) {
    const Option::Facts& facts = option->facts();
    if (facts.argument.empty() && facts.required) usage += " " + label_of(*option);
    if (facts.argument.empty()) continue;
    const std::string label = label_of(*option) + (facts.repeats ? "…" : "");
    if (facts.required)
      usage += " " + label;
    else
      optional += fmt::format(" [{}]", label);
  }
  return usage + optional + " [FLAGS]";
}

std::vector<OptionGroup> groups_of(const Command& command) {
  std::vector<OptionGroup> groups{{"Arguments", {}}, {"Flags", {}}};
  std::vector<const Option*> printing;
  for (const auto& option : command.options()) {
    const Option::Facts& facts = option->facts();
    if (facts.hidden) continue;
    if (is_printing(*option)) {
      printing.push_back(option.get());
      continue;
    }
    std::string title = facts.group;
    if (title.empty()) title = facts.argument.empty() ? "Flags" : "Arguments";
    auto found = std::ranges::find(groups, title, &OptionGroup::title);
    if (found == groups.end()) found = groups.insert(groups.end(), OptionGroup{title, {}});
    found->options.push_back(option.get());
  }
  groups.push_back({kOutput, std::move(printing)});
  std::erase_if(groups, [](const OptionGroup& group) { return group.options.empty(); });
  return groups;
}

std::vector<CommandGroup> listing_of(const Command& command) {
  std::vector<CommandGroup> groups;
  std::vector<const Command*> rest;
  for (const auto& below : command.subcommands())
    if (!below->is_hidden()) rest.push_back(below.get());
  for (const Heading& heading : command.headings()) {
    CommandGroup group{heading.title, {}};
    for (const std::string& name : heading.commands) {
      const auto found = std::ranges::find(rest, name, [](const Command* each) { return each->name(); });
      if (found == rest.end()) continue;
      group.commands.push_back(*found);
      rest.erase(found);
    }
    if (!group.commands.empty()) groups.push_back(std::move(group));
  }
  if (!rest.empty()) groups.push_back({groups.empty() ? "Commands" : "Other commands", std::move(rest)});
  return groups;
}

std::string help_of(const Command& command, std::size_t columns) {
  std::string out = wrap(command.about(), columns);
  add_section(out, "Usage", "  " + wrap(usage_of(command), columns - 2, 6));
  for (const CommandGroup& group : listing_of(command)) {
    std::vector<Entry> entries;
    for (const Command* below : group.commands) entries.emplace_back(below->name(), below->about());
    add_section(out, group.title, render(entries, columns));
  }
  bool explained = false;
  for (const OptionGroup& group : groups_of(command)) {
    std::vector<Entry> entries;
    for (const Option* option : group.options) entries.emplace_back(flag_label(*option), about_of(*option));
    if (group.title == kOutput) {
      entries.push_back(help_entry());
      explained = true;
    }
    add_section(out, group.title, render(entries, columns));
  }
  if (!explained) add_section(out, kOutput, render({help_entry()}, columns));
  std::string examples;
  for (const std::string& line : command.examples()) examples += fmt::format("  bulkhead {}\n", line);
  add_section(out, command.examples().size() > 1 ? "Examples" : "Example", examples);
  if (!command.aliases().empty())
    out +=
        "\n" + wrap(fmt::format("Also by its older name: {}", fmt::join(command.aliases(), ", ")), columns);
  if (!command.notes().empty()) out += "\n" + wrap(command.notes(), columns);
  return out;
}

}  // namespace bulkhead::cli

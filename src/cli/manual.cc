#include "cli/manual.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/version.h"
#include "cli/help.h"

namespace bulkhead::cli {
namespace {

// Text of ours in man(7): its backslashes, hyphens that are minus signs, and lines that look like requests.
std::string roff(std::string_view text) {
  std::string out;
  bool begins = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    begins = c == '\n';
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (text.substr(i).starts_with("…")) {
      out += "\\&...";
      i += std::string_view("…").size() - 1;
    } else
      out += c;
  }
  return out;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); });
  return text;
}

// The leaves below a command, itself where it is one.
void collect(const Command& command, std::vector<const Command*>& out) {
  if (command.is_hidden()) return;
  if (!command.is_group()) out.push_back(&command);
  for (const auto& below : command.subcommands()) collect(*below, out);
}

std::vector<const Command*> leaves_of(const Command& command) {
  std::vector<const Command*> out;
  collect(command, out);
  return out;
}

std::string options_as_roff(const Command& command) {
  std::string out;
  for (const OptionGroup& group : groups_of(command))
    for (const Option* option : group.options) {
      out += fmt::format(".TP\n.B {}\n", roff(label_of(*option)));
      const std::string about = about_of(*option);
      out += about.empty() ? "\\&\n" : roff(about) + "\n";
    }
  return out;
}

std::string examples_as_roff(const Command& command) {
  if (command.examples().empty()) return "";
  std::string out = ".PP\n.nf\n.RS\n";
  for (const std::string& line : command.examples()) out += fmt::format("bulkhead {}\n", roff(line));
  return out + ".RE\n.fi\n";
}

std::string notes_as_roff(const Command& command) {
  std::string out;
  std::string_view rest = command.notes();
  bool drawn = false;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.starts_with(' ') != drawn) out += drawn ? ".fi\n" : out.empty() ? ".nf\n" : ".PP\n.nf\n";
    drawn = line.starts_with(' ');
    if (line.empty())
      out += ".PP\n";
    else
      out += roff(line) + "\n";
  }
  return out + (drawn ? ".fi\n" : "");
}

std::string head(const std::string& name, const std::string& about) {
  return fmt::format(".TH {} 1 \"\" \"Bulkhead {}\" \"Bulkhead\"\n.SH NAME\n{} \\- {}\n", upper(roff(name)),
                     version(), roff(name), roff(about));
}

ManualPage page_of(const Command& command) {
  const std::string name = "bulkhead-" + command.name();
  std::string text = head(name, command.about());
  text += ".SH SYNOPSIS\n";
  for (const Command* leaf : leaves_of(command))
    text += fmt::format("{}.B {}\n", text.ends_with("SYNOPSIS\n") ? "" : ".br\n", roff(usage_of(*leaf)));
  text += ".SH DESCRIPTION\n";
  for (const Command* leaf : leaves_of(command)) {
    if (command.is_group()) text += fmt::format(".SS {}\n", roff(leaf->path()));
    text += roff(leaf->about()) + ".\n" + options_as_roff(*leaf);
    if (!leaf->aliases().empty())
      text += fmt::format(".PP\nAlso by its older name: {}\n",
                          roff(fmt::format("{}", fmt::join(leaf->aliases(), ", "))));
    if (!leaf->notes().empty()) text += ".PP\n" + notes_as_roff(*leaf);
    text += examples_as_roff(*leaf);
  }
  return {name + ".1", text + ".SH SEE ALSO\n.BR bulkhead (1)\n"};
}

std::string code(const std::string& text) { return fmt::format("`{}`", text); }

// In a cell of Markdown's.
std::string cell(std::string text) {
  for (auto at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) text.insert(at, "\\");
  return text;
}

std::string leaf_as_markdown(const Command& leaf) {
  std::string out = fmt::format("\n### {}\n\n{}.\n", leaf.path(), leaf.about());
  if (!leaf.aliases().empty()) {
    std::string names;
    for (const std::string& alias : leaf.aliases()) names += (names.empty() ? "" : ", ") + code(alias);
    out += fmt::format("Also by its older name: {}.\n", names);
  }
  out += "\n```\n" + usage_of(leaf) + "\n";
  for (const std::string& line : leaf.examples()) out += "\nbulkhead " + line;
  out += "\n```\n";
  std::string rows;
  for (const OptionGroup& group : groups_of(leaf))
    // What is the same everywhere is told once; a server's settings have a page of their own.
    if (group.title != kWhere && group.title != "Output" && group.title != "Settings")
      for (const Option* option : group.options)
        rows += fmt::format("| {} | {} |\n", code(label_of(*option)), cell(about_of(*option)));
  if (!rows.empty()) out += "\n| | |\n| --- | --- |\n" + rows;
  if (!leaf.notes().empty()) out += "\n" + leaf.notes() + "\n";
  return out;
}

constexpr std::string_view kIntroduction = R"(# The command line

<!-- Generated from the commands' declaration by `bulkhead help --reference`; a test compares the two. -->

`bulkhead help COMMAND` says the same at a terminal, `bulkhead man DIRECTORY` writes manual pages, and
`bulkhead completion bash` (or `zsh`, `fish`) prints what lets the shell complete commands, flags and the names of what is on
the server.

## Everywhere

| | |
| --- | --- |
| `--server URL` | Work on this server, with the log-in to it, or with `BULKHEAD_TOKEN` |
| `--data DIR`, `--config FILE` | Work on the data of this machine |
| `--json` | Print what the management API answers. An error is its problem document (RFC 9457), on standard error |
| `--wide` | Of lists: exact and in full on a terminal, as it is in a pipe |
| `--yes` | Of what cannot be undone: do not ask |
| `--help` | Explain the command |

On a terminal lists fit its width, times are told from now on, states are coloured (not with `NO_COLOR` or `TERM=dumb`), and
what cannot be undone is asked about first. In a pipe and in scripts nothing is shortened, coloured or asked.

| exit status | |
| --- | --- |
| 0 | done |
| 1 | failed, refused, or not there: standard error says why |
| 2 | the command line (said in words, with `--json` too) or the configuration is wrong; nothing was done |
| 3 | nobody is logged in there, or the log-in has ended |

| variable | |
| --- | --- |
| `BULKHEAD_SERVER` | The server that commands go to, as `--server` names it |
| `BULKHEAD_TOKEN` | An access token in place of a log-in; only for a server that is named |
| `BULKHEAD_CA` | A PEM file to trust, for a server that was not logged in to |
| `BULKHEAD_CONFIG`, `BULKHEAD_DATA`, … | [Settings](settings.md) |
| `NO_COLOR`, `TERM`, `COLUMNS`, `LC_ALL` | How a terminal is written to |
)";

}  // namespace

std::vector<ManualPage> manual_of(const Command& root) {
  std::string text = head(root.name(), "a container registry that a breach does not sink");
  text += ".SH SYNOPSIS\n.B bulkhead COMMAND\n.SH DESCRIPTION\n" + notes_as_roff(root);
  std::vector<ManualPage> pages;
  std::string also;
  for (const CommandGroup& group : listing_of(root)) {
    text += fmt::format(".SH {}\n", upper(group.title));
    for (const Command* command : group.commands) {
      text += fmt::format(".TP\n.BR bulkhead\\-{} (1)\n{}\n", roff(command->name()), roff(command->about()));
      pages.push_back(page_of(*command));
    }
  }
  pages.insert(pages.begin(), {"bulkhead.1", text + also});
  return pages;
}

std::string reference_of(const Command& root) {
  std::string out(kIntroduction);
  for (const CommandGroup& group : listing_of(root)) {
    out += fmt::format("\n## {}\n", group.title);
    for (const Command* command : group.commands)
      for (const Command* leaf : leaves_of(*command)) out += leaf_as_markdown(*leaf);
  }
  return out;
}

}  // namespace bulkhead::cli

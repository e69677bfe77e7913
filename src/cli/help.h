// What a command's --help says, made of its declaration.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"

namespace bulkhead::cli {

// Text in lines of at most so many columns, each after the first indented; lines that begin with a blank stay
// as they are, and words are never broken. Ends in a line break unless it is empty.
std::string wrap(std::string_view text, std::size_t columns, std::size_t indent = 0);

// How wide help is: COLUMNS, the terminal's width, or 80.
std::size_t help_columns();

// "--count NUMBER", "NAME": an option as it is written.
std::string label_of(const Option& option);
// What it does, with its choice and its default.
std::string about_of(const Option& option);
// "bulkhead user create NAME [FLAGS]".
std::string usage_of(const Command& command);

// The options of a command below their headings: its own first, then where it works, then how it prints.
struct OptionGroup {
  std::string title;
  std::vector<const Option*> options;
};
std::vector<OptionGroup> groups_of(const Command& command);

// The commands below a command, below their headings.
struct CommandGroup {
  std::string title;
  std::vector<const Command*> commands;
};
std::vector<CommandGroup> listing_of(const Command& command);

std::string help_of(const Command& command, std::size_t columns);

// The heading of the flags that say where a command works.
inline constexpr const char* kWhere = "Where it works";

}  // namespace bulkhead::cli

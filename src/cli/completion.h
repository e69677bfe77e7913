// Completion in shells: a script for each, which asks this program (`bulkhead __complete WORDS…`) what may
// stand where the cursor is.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/command_line.h"

namespace bulkhead::cli {

// For bash, zsh or fish. Errc::invalid_argument.
Result<std::string> completion_script(std::string_view shell);

// What may stand in place of the last of `words`, those after the program's name: from the commands'
// declaration, and the names of things from the server that commands go to. Prints one a line, a tab and what
// it is; ":files" where a file is meant. Says no errors, asks nothing and ends within a second; names that
// a shell could take for more than a word are left out. The exit status.
int complete(const Command& root, CommandLine& line, std::span<const std::string> words);

}  // namespace bulkhead::cli

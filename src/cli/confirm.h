// A question before what cannot be undone, to whoever sits at a terminal. Scripts are not asked.
#pragma once

#include <functional>
#include <string>

#include "cli/command_line.h"

namespace bulkhead::cli {

// What a command is about to do, in words that name what goes with it, as they follow "This ": "deletes
// alice/app with all its tags". Looks at the server where it must; what cannot be seen is left out.
using Consequence = std::function<std::string(ApiClient&)>;

// Whether somebody sits there who can be asked: who sees the question, and can answer it.
bool can_ask();

// Lets the command, whose work goes through perform() or perform_api(), ask first, and gives it --yes, which
// answers.
void ask_before(Command& command, CommandLine& line, Consequence consequence);

// Asks, where the command that was chosen asks and somebody sits there. `where` is what it works on. An error
// where the answer is not yes.
Result<void> confirm(const CommandLine& line, ApiClient& client, const std::string& where);

}  // namespace bulkhead::cli

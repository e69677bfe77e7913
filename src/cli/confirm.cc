#include "cli/confirm.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/say.h"
#include "cli/target.h"
#include "cli/terminal.h"

namespace bulkhead::cli {

bool can_ask() { return at_terminal() && ::isatty(STDERR_FILENO) == 1; }

void ask_before(Command& command, CommandLine& line, Consequence consequence) {
  command.add_flag("--yes", line.yes, "Do not ask");
  command.before([&line, consequence = std::move(consequence)] { line.consequence = consequence; });
}

Result<void> confirm(const CommandLine& line, ApiClient& client, const std::string& where) {
  if (!line.consequence || line.yes || !can_ask()) return {};
  const std::string consequence = line.consequence(client);
  if (consequence.empty()) return {};
  tell("On {}, this {}.\n", where, consequence);
  const std::string answer = ask_line("Go on? [y/N] ");
  if (answer == "y" || answer == "Y" || answer == "yes") return {};
  return Error{Errc::invalid_argument, "nothing was done"};
}

}  // namespace bulkhead::cli

// The commands as documents, made of their declaration: manual pages, and docs/guide/cli.md.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace bulkhead::cli {

struct ManualPage {
  std::string file;  // "bulkhead-user.1"
  std::string text;  // man(7)
};
// One for the program and one for each of its commands, with all that is below it.
std::vector<ManualPage> manual_of(const Command& root);

// All of it as one page of Markdown.
std::string reference_of(const Command& root);

}  // namespace bulkhead::cli

// What the commands share that are clients of the management API and nothing else: how they are added, and
// how they print. Internal to app/'s command line.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"

namespace bulkhead::cli {

using ApiPrint = Printer;
using ApiLost = std::function<std::string(const boost::json::value&)>;

// A subcommand whose work is done by a client; it prints what `print` makes of the outcome. `lost`: see
// CommandLine.
Command* add_api_command(Command& parent, CommandLine& line, const std::string& name,
                         const std::string& about, ApiWork work, std::function<ApiPrint()> print,
                         ApiLost lost = {});

// A sentence; an array of objects as a table of the given keys, header first.
ApiPrint print_text(std::string text);
ApiPrint print_rows(std::vector<std::string> header, std::vector<std::string> keys);

// {} for what gives back nothing.
Result<boost::json::value> nothing(const Result<void>& outcome);
Result<boost::json::value> as_value(Result<boost::json::array> items);

// "ORGANIZATION/TEAM" in its parts. Errc::invalid_argument.
struct TeamName {
  std::string organization;
  std::string team;
};
// Of a team that is named beside its organization: "acme/devs" and "devs" are one there.
std::string team_within(const std::string& organization, const std::string& team);
Result<TeamName> parse_team_name(const std::string& text);

}  // namespace bulkhead::cli

#include "cli/api_cli.h"

#include <fmt/format.h>

#include "base/say.h"
#include "cli/terminal.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

std::string cell(const json::value& row, std::string_view key) {
  const json::value* value = row.as_object().if_contains(key);
  if (value == nullptr || value->is_null()) return "";
  if (value->is_string()) return std::string(value->get_string());
  if (value->is_bool()) return value->get_bool() ? "yes" : "no";
  if (value->is_int64()) return std::to_string(value->get_int64());
  return "";
}

}  // namespace

Command* add_api_command(Command& parent, CommandLine& line, const std::string& name,
                         const std::string& about, ApiWork work, std::function<ApiPrint()> print,
                         ApiLost lost) {
  auto* command = parent.add_subcommand(name, about);
  add_settings(*command, line, false);
  command->add_flag("--json", line.json, "Print JSON, for scripts");
  command->callback([&line, work = std::move(work), print = std::move(print), lost = std::move(lost)] {
    line.lost = lost;
    line.action = [&line, work, print] { return perform_api(line, work, print()); };
  });
  return command;
}

ApiPrint print_text(std::string text) {
  return [text = std::move(text)](const json::value&) { say("{}\n", text); };
}

ApiPrint print_rows(std::vector<std::string> header, std::vector<std::string> keys) {
  return [header = std::move(header), keys = std::move(keys)](const json::value& value) {
    Rows rows{header};
    for (const json::value& row : value.as_array()) {
      std::vector<std::string> cells;
      for (const std::string& key : keys) cells.push_back(cell(row, key));
      rows.push_back(std::move(cells));
    }
    return rows;
  };
}

Result<json::value> nothing(const Result<void>& outcome) {
  if (!outcome) return outcome.error();
  return json::value(json::object{});
}

Result<json::value> as_value(Result<json::array> items) {
  if (!items) return items.error();
  return json::value(*std::move(items));
}

std::string team_within(const std::string& organization, const std::string& team) {
  return team.starts_with(organization + "/") ? team.substr(organization.size() + 1) : team;
}

Result<TeamName> parse_team_name(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size())
    return Error{Errc::invalid_argument, fmt::format("\"{}\" is no team; write ORGANIZATION/TEAM", text)};
  return TeamName{text.substr(0, slash), text.substr(slash + 1)};
}

}  // namespace bulkhead::cli

#include "transfer/mapping.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>

#include "base/shown.h"

namespace bulkhead::transfer {
namespace {

constexpr std::array<std::string_view, 3> kRoles = {"reader", "writer", "maintainer"};

Error at(const toml::node& node, std::string_view what) {
  return {Errc::invalid_argument, fmt::format("line {}: {}", node.source().begin.line, what)};
}

Result<void> take(const toml::node& node, std::string& out) {
  if (!node.is_string()) return at(node, "a text is meant here, in quotes");
  out = node.as_string()->get();
  return {};
}

Result<void> take(const toml::node& node, std::vector<std::string>& out) {
  const auto* list = node.as_array();
  if (list == nullptr) return at(node, "a list of names is meant here");
  for (const toml::node& each : *list)
    if (auto taken = take(each, out.emplace_back()); !taken) return taken;
  return {};
}

Result<void> take_role(const toml::node& node, std::string& out) {
  if (auto taken = take(node, out); !taken) return taken;
  if (std::ranges::find(kRoles, out) == kRoles.end())
    return at(node, fmt::format("{} is no role; those are reader, writer and maintainer", quote(out)));
  return {};
}

// Calls `read` with each key and value of a table, which says whether the key is one that it knows.
template <class Read>
Result<void> each_of(const toml::node& node, const Read& read) {
  const auto* table = node.as_table();
  if (table == nullptr) return at(node, "a table is meant here");
  for (const auto& [key, value] : *table)
    if (auto taken = read(std::string(key.str()), value); !taken) return taken;
  return {};
}

Error unknown(const toml::node& node, const std::string& key) {
  return at(node, fmt::format("there is no {} here", quote(key)));
}

template <class T, class Read>
Result<void> each_table(const toml::node& node, std::vector<T>& out, const Read& read) {
  const auto* list = node.as_array();
  if (list == nullptr) return at(node, "tables are meant here, in [[ ]]");
  for (const toml::node& each : *list) {
    auto taken =
        each_of(each, [&, &item = out.emplace_back()](const std::string& key, const toml::node& value) {
          return read(item, key, value);
        });
    if (!taken) return taken;
    if (out.back().name.empty()) return at(each, "a name is missing");
  }
  return {};
}

Result<void> read_team(Mapping::Team& team, const std::string& key, const toml::node& value) {
  if (key == "name") return take(value, team.name);
  if (key == "role") return take_role(value, team.role);
  if (key == "members") return take(value, team.members);
  return unknown(value, key);
}

Result<void> read_robot(Mapping::Robot& robot, const std::string& key, const toml::node& value) {
  if (key == "name") return take(value, robot.name);
  if (key == "role") return take_role(value, robot.role);
  if (key == "description") return take(value, robot.description);
  return unknown(value, key);
}

Result<void> read_organization(Mapping::Organization& organization, const std::string& key,
                               const toml::node& value) {
  if (key == "name") return take(value, organization.name);
  if (key == "display_name") return take(value, organization.display_name);
  if (key == "owners") return take(value, organization.owners);
  if (key == "teams") return each_table(value, organization.teams, read_team);
  if (key == "robots") return each_table(value, organization.robots, read_robot);
  return unknown(value, key);
}

std::string in_quotes(std::string_view text) { return fmt::format("\"{}\"", shown(text, Shown::toml)); }

std::string list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& each : names) out += (out.empty() ? "" : ", ") + in_quotes(each);
  return "[" + out + "]";
}

}  // namespace

Result<Mapping> parse_mapping(std::string_view text) {
  Mapping out;
  try {
    const toml::table table = toml::parse(text);
    const auto read = each_of(table, [&out](const std::string& key, const toml::node& value) -> Result<void> {
      if (key == "organizations") return each_table(value, out.organizations, read_organization);
      if (key != "names") return unknown(value, key);
      return each_of(value, [&out](const std::string& from, const toml::node& to) {
        return take(to, out.names.emplace_back(from, "").second);
      });
    });
    if (!read) return read.error();
  } catch (const toml::parse_error& error) {
    return Error{Errc::invalid_argument,
                 fmt::format("line {}: {}", error.source().begin.line, error.description())};
  }
  return out;
}

std::string render(const Mapping& mapping) {
  std::string out;
  for (const std::string& remark : mapping.remarks) out += fmt::format("# {}\n", shown(remark));
  out += "\n[names]\n";
  for (const auto& [from, to] : mapping.names)
    out += fmt::format("{} = {}\n", in_quotes(from), in_quotes(to));
  for (const Mapping::Organization& organization : mapping.organizations) {
    out += fmt::format("\n[[organizations]]\nname = {}\n", in_quotes(organization.name));
    if (!organization.display_name.empty())
      out += fmt::format("display_name = {}\n", in_quotes(organization.display_name));
    if (!organization.owners.empty()) out += fmt::format("owners = {}\n", list(organization.owners));
    for (const Mapping::Team& team : organization.teams) {
      out += fmt::format("\n[[organizations.teams]]\nname = {}\n", in_quotes(team.name));
      if (!team.role.empty()) out += fmt::format("role = {}\n", in_quotes(team.role));
      out += fmt::format("members = {}\n", list(team.members));
    }
    for (const Mapping::Robot& robot : organization.robots) {
      out += fmt::format("\n[[organizations.robots]]\nname = {}\n", in_quotes(robot.name));
      if (!robot.role.empty()) out += fmt::format("role = {}\n", in_quotes(robot.role));
      if (!robot.description.empty()) out += fmt::format("description = {}\n", in_quotes(robot.description));
    }
  }
  return out;
}

}  // namespace bulkhead::transfer

#include "config/toml_source.h"

#include <toml++/toml.h>

#include <algorithm>

namespace bulkhead::config {
namespace {

std::string_view kind(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a group";
    case toml::node_type::array: return "a list";
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return "a date or time";
    default: return "a value of another type";
  }
}

Value to_value(const toml::node& node) {
  if (const auto* boolean = node.as_boolean()) return boolean->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* text = node.as_string()) return text->get();
  const auto* array = node.as_array();
  if (!array) return Unusable{std::string(kind(node))};
  std::vector<std::string> items;
  for (const toml::node& item : *array) {
    const auto* text = item.as_string();
    if (!text) return Unusable{"a list with something other than text in it"};
    items.push_back(text->get());
  }
  return items;
}

// Recursion is bounded by the parser, which refuses deep nesting.
void flatten(const toml::table& table, const std::string& prefix, std::vector<TomlEntry>& entries) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    const auto* group = node.as_table();
    if (group && !group->empty())
      flatten(*group, key + ".", entries);
    else
      entries.push_back({key, name.source().begin.line, to_value(node)});
  }
}

}  // namespace

TomlContents read_toml(std::string_view text) {
  TomlContents contents;
  try {
    flatten(toml::parse(text), "", contents.entries);
  } catch (const toml::parse_error& error) {
    contents.problem = std::string(error.description());
    contents.problem_line = error.source().begin.line;
  }
  std::stable_sort(contents.entries.begin(), contents.entries.end(),
                   [](const TomlEntry& a, const TomlEntry& b) { return a.line < b.line; });
  return contents;
}

}  // namespace bulkhead::config

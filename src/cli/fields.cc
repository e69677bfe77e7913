#include "cli/fields.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/say.h"
#include "cli/remote_tokens.h"
#include "cli/terminal.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

std::string words_of(const std::string& key) {
  std::string words = key.ends_with("_bytes") ? key.substr(0, key.size() - 6) : key;
  std::ranges::replace(words, '_', ' ');
  return words;
}

std::string text_of(const std::string& key, const json::value& value) {
  if (value.is_null()) return "none";
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_int64() || value.is_uint64()) {
    const auto number = value.to_number<std::uint64_t>();
    return key.ends_with("_bytes") ? render_bytes(number) : std::to_string(number);
  }
  std::string out;
  if (const json::array* list = value.if_array()) {
    const json::array items = key == "scopes" ? scope_texts(*list) : *list;
    for (const json::value& item : items) out += (out.empty() ? "" : " ") + text_of("", item);
    return out.empty() ? "none" : out;
  }
  if (const json::object* object = value.if_object())
    for (const auto& [name, member] : *object)
      out += (out.empty() ? "" : " ") + std::string(name) + "=" + text_of(name, member);
  return out.empty() ? "none" : out;
}

}  // namespace

void print_fields(const json::value& object) {
  const json::object& fields = object.as_object();
  if (fields.size() == 1 && fields.begin()->value().is_object()) return print_fields(fields.begin()->value());
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : fields) rows.push_back({words_of(name) + ":", text_of(name, value)});
  say_lines(render_table(rows));
}

}  // namespace bulkhead::cli

#include "cli/field_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cctype>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/shown.h"
#include "config/value.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

// Fields that are no flag, or one of another name; the rest are flags of theirs.
constexpr std::array kWords = {
    std::pair<std::string_view, std::string_view>("name", "the name"),
    std::pair<std::string_view, std::string_view>("password", "the password"),
    std::pair<std::string_view, std::string_view>("email", "the e-mail address"),
    std::pair<std::string_view, std::string_view>("display_name", "what it is called"),
    std::pair<std::string_view, std::string_view>("role", "the role"),
    std::pair<std::string_view, std::string_view>("subject", "the subject"),
    std::pair<std::string_view, std::string_view>("user", "--user"),
    std::pair<std::string_view, std::string_view>("token", "the token"),
    std::pair<std::string_view, std::string_view>("text", "the text"),
    std::pair<std::string_view, std::string_view>("scopes", "--scope"),
    std::pair<std::string_view, std::string_view>("networks", "--network"),
    std::pair<std::string_view, std::string_view>("claims", "--claim"),
    std::pair<std::string_view, std::string_view>("admitted_groups", "--admit"),
    std::pair<std::string_view, std::string_view>("token_seconds", "--token-life"),
};

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// "lifetime_seconds" of "/lifetime_seconds", "scopes" of "/scopes/0/actions/0", "user_filter" of
// "/ldap/user_filter".
std::string_view field_of(std::string_view pointer) {
  std::string_view field;
  while (pointer.starts_with('/')) {
    pointer.remove_prefix(1);
    const std::string_view part = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(part.size());
    if (is_number(part)) break;
    field = part;
  }
  return field;
}

std::string word_of(std::string_view field) {
  const auto* known = std::ranges::find(kWords, field, &std::pair<std::string_view, std::string_view>::first);
  if (known != kWords.end()) return std::string(known->second);
  for (const std::string_view unit : {"_seconds", "_bytes"})
    if (field.ends_with(unit)) field.remove_suffix(unit.size());
  std::string flag = "--" + std::string(field);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

// Seconds as they are typed: "between 60 and 31536000" is "between 1m and 8760h".
std::string with_durations(std::string_view sentence) {
  std::string out;
  while (!sentence.empty()) {
    const auto word = sentence.substr(0, sentence.find(' '));
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), seconds);
    const bool number = error == std::errc() && end == word.data() + word.size();
    if (!out.empty()) out += ' ';
    out += number ? config::render_duration(std::chrono::seconds(seconds)) : std::string(word);
    sentence.remove_prefix(std::min(sentence.size(), word.size() + 1));
  }
  return out;
}

}  // namespace

std::string in_flags(const json::array& parts) {
  std::string out;
  for (const json::value& part : parts) {
    const json::object* object = part.if_object();
    const json::value* pointer = object != nullptr ? object->if_contains("pointer") : nullptr;
    const json::value* detail = object != nullptr ? object->if_contains("detail") : nullptr;
    if (pointer == nullptr || !pointer->is_string() || detail == nullptr || !detail->is_string()) return {};
    const std::string_view field = field_of(pointer->get_string());
    if (field.empty()) return {};
    const std::string said = shown(detail->get_string());
    if (!out.empty()) out += "; ";
    out += fmt::format("{} {}", shown(word_of(field)),
                       field.ends_with("_seconds") ? with_durations(said) : said);
  }
  return out;
}

}  // namespace bulkhead::cli

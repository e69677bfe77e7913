#include "http/request.h"

#include <algorithm>

#include "http/grammar.h"

namespace bulkhead::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    out.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return out;
}

std::optional<Parameters> parse(std::string_view text, bool plus_is_space) {
  Parameters out;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto key = decode(pair.substr(0, equals), plus_is_space);
    auto value = decode(pair.substr(std::min(pair.size(), equals + 1)), plus_is_space);
    if (!key || !value) return std::nullopt;
    out.emplace_back(std::move(*key), std::move(*value));
  }
  return out;
}

}  // namespace

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](char a, char b) { return lower(a) == lower(b); });
}

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const HeaderView& header : headers)
    if (equals_ignoring_case(header.name, name)) return header.value;
  return std::nullopt;
}

std::size_t Request::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      headers, [&](const HeaderView& h) { return equals_ignoring_case(h.name, name); }));
}

std::optional<std::string> percent_decode(std::string_view text) { return decode(text, false); }

std::optional<std::string> Request::list(std::string_view name) const {
  std::optional<std::string> joined;
  for (const HeaderView& header : headers) {
    if (!equals_ignoring_case(header.name, name)) continue;
    if (joined)
      joined->append(", ").append(header.value);
    else
      joined.emplace(header.value);
  }
  return joined;
}

std::optional<Parameters> parse_query(std::string_view query) { return parse(query, false); }

std::optional<Parameters> parse_form(std::string_view form) { return parse(form, true); }

Result<std::optional<std::string>> one_value(const Parameters& parameters, std::string_view name) {
  std::optional<std::string> found;
  for (const auto& [key, value] : parameters) {
    if (key != name) continue;
    if (found && *found != value)
      return Error{Errc::invalid_argument,
                   "the query says " + std::string(name) + " twice, and not the same"};
    found = value;
  }
  return found;
}

}  // namespace bulkhead::http

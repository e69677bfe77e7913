// A setting's value on its way in: what a source said, before the table knows what it should have been. Text
// from the environment and from flags is read as a number, a list and so on as the setting needs; a TOML
// value has its type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.h"

namespace bulkhead::config {

// A table, a float, a date, or an array of something else: never what a setting takes. Holds what to call it.
struct Unusable {
  std::string description;
};

// From the environment or a flag.
struct Untyped {
  std::string text;
};

using Value = std::variant<Unusable, Untyped, bool, std::int64_t, std::string, std::vector<std::string>>;

// Empty when the value is of another type or does not parse. Bounds are the table's business.
std::optional<bool> as_boolean(const Value& value);
std::optional<std::uint64_t> as_count(const Value& value);
std::optional<std::uint64_t> as_size(const Value& value);  // bytes, or text with KiB, MiB, GiB or TiB
std::optional<Duration> as_duration(const Value& value);   // text with ms, s, m, h or d
std::optional<std::string> as_text(const Value& value);
std::optional<std::vector<std::string>> as_list(const Value& value);  // untyped: separated by commas

// For "expected …, not …".
std::string describe(const Value& value);

// A TOML basic string, quotes and all, in which nothing hides.
std::string toml_quote(std::string_view text);
std::string render_size(std::uint64_t bytes);    // 64MiB, 1000
std::string render_duration(Duration duration);  // 24h, 90s, 0s

std::optional<Endpoint> parse_endpoint(std::string_view text);
std::string render(const Endpoint& endpoint);

// The URL with *** for its password, in the authority and in the query (libpq takes both). Where the URL is
// malformed it hides more rather than less.
std::string without_password(std::string_view url);

}  // namespace bulkhead::config

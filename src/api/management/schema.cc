#include "api/management/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <utility>

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;

constexpr CharacterRange kControls[] = {{0x00, 0x1f}, {0x7f, 0x9f}, {0x2028, 0x202e}, {0x2066, 0x2069}};
constexpr CharacterRange kNameRanges[] = {{'+', '+'}, {'-', '9'}, {'_', '_'}, {'a', 'z'}};
constexpr CharacterRange kVisibleRanges[] = {{'!', '~'}};
constexpr std::int64_t kKeyCharacters = 255;

// The next character of UTF-8 text, taken off its front; nullopt when it is none.
std::optional<char32_t> next_character(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first >= 0x80 && (first < 0xc2 || first > 0xf4)) return std::nullopt;
  if (text.size() < length) return std::nullopt;
  char32_t value = length == 1 ? first : first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return std::nullopt;
    value = value << 6 | (next & 0x3fu);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

std::string escape_pointer(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

// Walks a value beside its description.
class Checker {
 public:
  std::vector<FieldProblem> take() { return std::move(problems_); }

  void check(const Schema& schema, const json::value& value, const std::string& at) {
    if (problems_.size() >= kMaxFieldProblems) return;
    if (value.is_null() && schema.nullable) return;
    switch (schema.kind) {
      case Schema::Kind::text: return text(schema, value, at);
      case Schema::Kind::choice: return one_of(schema, value, at);
      case Schema::Kind::integer: return number(schema, value, at);
      case Schema::Kind::boolean:
        if (!value.is_bool()) add(at, "must be true or false");
        return;
      case Schema::Kind::list: return entries(schema, value, at);
      case Schema::Kind::map: return members(schema, value, at);
      case Schema::Kind::object: return fields(schema, value, at);
      case Schema::Kind::any_object:
        if (!value.is_object()) add(at, "must be an object");
        return;
    }
  }

 private:
  void add(const std::string& at, std::string detail) {
    if (problems_.size() < kMaxFieldProblems)
      problems_.push_back({FieldProblem::Place::body, at, std::move(detail)});
  }

  void text(const Schema& schema, const json::value& value, const std::string& at) {
    if (!value.is_string()) return add(at, "must be a string");
    std::string_view rest = value.get_string();
    std::int64_t length = 0;
    while (!rest.empty()) {
      const auto character = next_character(rest);
      if (!character) return add(at, "must be UTF-8");
      ++length;
      if (schema.characters != nullptr && !schema.characters->has(*character))
        return add(at, fmt::format("holds a character that is not allowed here; the pattern is {}",
                                   schema.characters->pattern()));
    }
    if (length < schema.least)
      return add(at, schema.least == 1 ? "must not be empty"
                                       : fmt::format("must have at least {} characters", schema.least));
    if (length > schema.most) add(at, fmt::format("must have at most {} characters", schema.most));
  }

  void one_of(const Schema& schema, const json::value& value, const std::string& at) {
    const bool known =
        value.is_string() &&
        std::ranges::find(schema.choices, std::string_view(value.get_string())) != schema.choices.end();
    if (!known) add(at, fmt::format("must be one of {}", fmt::join(schema.choices, ", ")));
  }

  void number(const Schema& schema, const json::value& value, const std::string& at) {
    if (!value.is_int64() && !value.is_uint64()) return add(at, "must be an integer");
    // What only fits a uint64 is beyond any limit.
    if (value.is_uint64() || value.get_int64() < schema.least || value.get_int64() > schema.most)
      add(at, fmt::format("must be between {} and {}", schema.least, schema.most));
  }

  void entries(const Schema& schema, const json::value& value, const std::string& at) {
    if (!value.is_array()) return add(at, "must be an array");
    const json::array& array = value.get_array();
    if (static_cast<std::int64_t>(array.size()) > schema.most)
      return add(at, fmt::format("must have at most {} entries", schema.most));
    for (std::size_t i = 0; i < array.size(); ++i)
      check(*schema.items, array[i], fmt::format("{}/{}", at, i));
  }

  void members(const Schema& schema, const json::value& value, const std::string& at) {
    if (!value.is_object()) return add(at, "must be an object");
    const json::object& object = value.get_object();
    if (static_cast<std::int64_t>(object.size()) > schema.most)
      return add(at, fmt::format("must have at most {} members", schema.most));
    for (const auto& [key, member] : object) {
      const std::string below = fmt::format("{}/{}", at, escape_pointer(key));
      if (key.empty() || static_cast<std::int64_t>(key.size()) > kKeyCharacters)
        return add(at, fmt::format("has a key that is empty or longer than {} bytes", kKeyCharacters));
      check(*schema.items, member, below);
    }
  }

  void fields(const Schema& schema, const json::value& value, const std::string& at) {
    if (!value.is_object()) return add(at, "must be an object");
    const json::object& object = value.get_object();
    for (const Field& field : schema.fields) {
      const json::value* member = object.if_contains(field.name);
      if (member != nullptr)
        check(*field.schema, *member, fmt::format("{}/{}", at, field.name));
      else if (field.required)
        add(fmt::format("{}/{}", at, field.name), "is required");
    }
    for (const auto& [key, member] : object) {
      const bool known = std::ranges::any_of(
          schema.fields, [&key = key](const Field& field) { return field.name == std::string_view(key); });
      if (!known) add(fmt::format("{}/{}", at, escape_pointer(key)), "is not known here");
    }
  }

  std::vector<FieldProblem> problems_;
};

// One character inside the brackets of a regular expression.
std::string class_member(char32_t character) {
  const bool plain = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
                     (character >= '0' && character <= '9');
  if (plain) return std::string(1, static_cast<char>(character));
  return fmt::format("\\u{:04x}", static_cast<std::uint32_t>(character));
}

json::value type_of(std::string_view type, bool nullable) {
  if (!nullable) return json::string(type);
  return json::array{json::string(type), "null"};
}

}  // namespace

constinit const Characters kPrintable{kControls, true};
constinit const Characters kNameCharacters{kNameRanges, false};
constinit const Characters kVisible{kVisibleRanges, false};

bool Characters::has(char32_t character) const {
  const bool inside = std::ranges::any_of(ranges, [character](const CharacterRange& range) {
    return character >= range.first && character <= range.last;
  });
  return inside != except;
}

std::string Characters::pattern() const {
  std::string members;
  for (const CharacterRange& range : ranges) {
    members += class_member(range.first);
    if (range.last != range.first) members += "-" + class_member(range.last);
  }
  return fmt::format("^[{}{}]*$", except ? "^" : "", members);
}

std::vector<FieldProblem> check(const Schema& schema, const json::value& value) {
  Checker checker;
  checker.check(schema, value, "");
  return checker.take();
}

std::optional<json::value> read_parameter(const Schema& schema, std::string_view text) {
  if (schema.kind == Schema::Kind::boolean) {
    if (text == "true") return json::value(true);
    if (text == "false") return json::value(false);
    return std::nullopt;
  }
  if (schema.kind == Schema::Kind::integer) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return json::value(number);
  }
  return json::value(json::string(text));
}

json::object describe_object(const Schema& schema, bool closed) {
  json::object properties;
  json::array required;
  for (const Field& field : schema.fields) {
    json::value described = describe(*field.schema, closed);
    if (!field.about.empty()) described.as_object()["description"] = field.about;
    properties[field.name] = std::move(described);
    if (field.required) required.push_back(json::string(field.name));
  }
  json::object out{{"type", type_of("object", schema.nullable)}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = std::move(required);
  if (closed) out["additionalProperties"] = false;
  return out;
}

json::value describe(const Schema& schema, bool closed) {
  json::object out;
  switch (schema.kind) {
    case Schema::Kind::text:
      out["type"] = type_of("string", schema.nullable);
      if (schema.least > 0) out["minLength"] = schema.least;
      if (schema.most > 0) out["maxLength"] = schema.most;
      if (schema.characters != nullptr) out["pattern"] = schema.characters->pattern();
      if (!schema.format.empty() && schema.least > 0) out["format"] = schema.format;
      // Nothing has no format.
      if (!schema.format.empty() && schema.least == 0)
        out["anyOf"] = json::array{json::object{{"maxLength", 0}}, json::object{{"format", schema.format}}};
      if (schema.secret) out["writeOnly"] = true;
      break;
    case Schema::Kind::choice: {
      json::array choices;
      for (const std::string_view word : schema.choices) choices.push_back(json::string(word));
      if (schema.nullable) choices.push_back(nullptr);
      out["enum"] = std::move(choices);
      break;
    }
    case Schema::Kind::integer:
      out["type"] = type_of("integer", schema.nullable);
      out["format"] = "int64";
      out["minimum"] = schema.least;
      out["maximum"] = schema.most;
      break;
    case Schema::Kind::boolean: out["type"] = type_of("boolean", schema.nullable); break;
    case Schema::Kind::list:
      out["type"] = type_of("array", schema.nullable);
      out["items"] = describe(*schema.items, closed);
      out["maxItems"] = schema.most;
      break;
    case Schema::Kind::map:
      out["type"] = type_of("object", schema.nullable);
      out["additionalProperties"] = describe(*schema.items, closed);
      out["maxProperties"] = schema.most;
      break;
    case Schema::Kind::any_object: out["type"] = type_of("object", schema.nullable); break;
    case Schema::Kind::object:
      if (schema.name.empty()) return describe_object(schema, closed);
      out["$ref"] = fmt::format("#/components/schemas/{}", schema.name);
      break;
  }
  return out;
}

}  // namespace bulkhead::api::management

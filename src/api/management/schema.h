// Descriptions of JSON values. From one description a request is checked and its part of the OpenAPI document
// is written, so that the two cannot disagree. Descriptions are constants: they point to each other and own
// nothing.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::api::management {

// A set of characters: those in the ranges or, with `except`, all others.
struct CharacterRange {
  char32_t first = 0;
  char32_t last = 0;
};
struct Characters {
  std::span<const CharacterRange> ranges;
  bool except = false;

  bool has(char32_t character) const;
  // The regular expression for texts of these characters (ECMA-262, as JSON Schema asks).
  std::string pattern() const;
};

struct Field;

struct Schema {
  enum class Kind : std::uint8_t { text, choice, integer, boolean, list, map, object, any_object };

  Kind kind = Kind::text;
  // Of objects: the component's name in the document; "" writes it where it is used.
  std::string_view name = {};
  // Texts: characters; integers: the value; lists and maps: entries.
  std::int64_t least = 0;
  std::int64_t most = 0;
  const Characters* characters = nullptr;  // of texts
  std::string_view format = {};            // of texts: what JSON Schema calls so; for readers, not checked
  bool secret = false;                     // of texts: accepted and never shown
  bool nullable = false;
  std::span<const std::string_view> choices = {};
  const Schema* items = nullptr;       // of lists and maps
  std::span<const Field> fields = {};  // of objects
};

struct Field {
  std::string_view name = {};
  const Schema* schema = nullptr;
  std::string_view about = {};
  bool required = false;
};

inline constexpr bool kRequired = true;

// Everything but control characters: what a person may write.
extern const Characters kPrintable;
// Lower-case letters, digits, '.', '_', '-', '+' (robots) and '/' (repositories): what names are made of.
extern const Characters kNameCharacters;
// Visible ASCII.
extern const Characters kVisible;

constexpr Schema text(std::int64_t least, std::int64_t most, const Characters& characters = kPrintable,
                      std::string_view format = {}) {
  return {
      .kind = Schema::Kind::text, .least = least, .most = most, .characters = &characters, .format = format};
}
// Of any characters, but not of any length; who reads it looks closer.
constexpr Schema secret_text(std::int64_t most) {
  return {.kind = Schema::Kind::text, .least = 0, .most = most, .format = "password", .secret = true};
}
constexpr Schema choice(std::span<const std::string_view> choices) {
  return {.kind = Schema::Kind::choice, .choices = choices};
}
constexpr Schema integer(std::int64_t least, std::int64_t most) {
  return {.kind = Schema::Kind::integer, .least = least, .most = most};
}
constexpr Schema boolean() { return {.kind = Schema::Kind::boolean}; }
constexpr Schema list(const Schema& items, std::int64_t most) {
  return {.kind = Schema::Kind::list, .most = most, .items = &items};
}
// An object whose keys are the caller's choice, of 1 to 255 characters.
constexpr Schema map(const Schema& values, std::int64_t most) {
  return {.kind = Schema::Kind::map, .most = most, .items = &values};
}
constexpr Schema object(std::string_view name, std::span<const Field> fields) {
  return {.kind = Schema::Kind::object, .name = name, .fields = fields};
}
// An object in somebody else's words, which are checked by who reads it.
constexpr Schema any_object() { return {.kind = Schema::Kind::any_object}; }
constexpr Schema nullable(Schema schema) {
  schema.nullable = true;
  return schema;
}

// What is wrong with one part of a request.
struct FieldProblem {
  enum class Place : std::uint8_t { body, parameter, header };
  Place place = Place::body;
  std::string name;  // in the body a JSON pointer (RFC 6901), "" for the whole
  std::string detail;

  friend bool operator==(const FieldProblem&, const FieldProblem&) = default;
};

// At most this many are looked for.
inline constexpr std::size_t kMaxFieldProblems = 20;

// What in `value` is not as described; empty when all is. Values are never repeated: they may be secret.
std::vector<FieldProblem> check(const Schema& schema, const boost::json::value& value);

// A path's or query's text as the value that the schema describes, nullopt when it is none. Not for lists and
// objects.
std::optional<boost::json::value> read_parameter(const Schema& schema, std::string_view text);

// The description as JSON Schema (2020-12, the dialect of OpenAPI 3.1). Objects with a name become references
// to
// "#/components/schemas/NAME". With `closed`, other fields than those described are said to be refused.
boost::json::value describe(const Schema& schema, bool closed);
// The description of an object itself, not a reference to it.
boost::json::object describe_object(const Schema& schema, bool closed);

}  // namespace bulkhead::api::management

// Search filters as text (RFC 4515): putting values into them, and what shape they have.
//
// A template is a filter in which {name} or {dn} stand within values. Braces may stand nowhere else (a brace
// that is meant is written \7b or \7d), so that a mistyped placeholder is refused, not searched for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bulkhead::ldap {

// Bytes as they stand in a value: whatever is not a letter, a digit or one of - . _ @ becomes \xx.
std::string escape(std::string_view value);

struct ParsedFilter {
  struct Value {
    std::string bytes;       // without escapes
    bool matchable = false;  // of an equality or a substring: may be replaced by *
    bool in_negation = false;
    bool braces = false;  // written as they are, not escaped
  };

  std::string shape;          // the filter with each value replaced by #
  std::vector<Value> values;  // in their order
};

// Nothing when it is not exactly one filter. Stricter than libldap, which forgives spaces and bare values.
std::optional<ParsedFilter> parse_filter(std::string_view text);

enum class FilterKind { user, group };

// Errc::invalid_argument, saying what is wrong. A user filter holds {name}, in equalities or substrings that
// are not negated, as in (&(uid={name})(objectClass=person)), so that fill_any() means what it says; a group
// filter holds {name} or {dn} in any value.
Result<void> check_filter(std::string_view text, FilterKind kind);

// Of a template that check_filter() accepts.
bool has_placeholder(std::string_view text, std::string_view placeholder);
std::string fill_in(std::string_view text, std::string_view name, std::string_view dn);
// The user filter for any name: what it asks for besides.
std::string fill_any(std::string_view text);

// A descriptor or a numeric OID (RFC 4512 section 1.4).
bool is_descriptor(std::string_view text);
bool is_numeric_oid(std::string_view text);

}  // namespace bulkhead::ldap

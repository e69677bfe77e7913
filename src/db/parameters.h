// What may be a statement's parameter, alike on both engines; internal to db.
#pragma once

#include <span>
#include <string_view>

#include "db/database.h"

namespace bulkhead::db {

// Text must be UTF-8 (RFC 3629) without NUL: PostgreSQL stores nothing else, and SQLite would take it and cut
// it short or hand it back as it came. Otherwise Errc::invalid_argument, which names the parameter's place,
// never its value.
Result<void> check_parameters(std::span<const Value> parameters);

bool is_utf8(std::string_view text);

// The error when a statement's placeholders and its parameters do not match in number.
Error wrong_parameter_count(std::string_view sql, std::size_t expected, std::size_t given);

// The start of a statement, for error messages about bugs.
std::string excerpt(std::string_view sql);

}  // namespace bulkhead::db

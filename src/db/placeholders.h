// From the portable `?` to PostgreSQL's numbered parameters; internal to db.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bulkhead::db {

struct NumberedSql {
  std::string sql;
  std::size_t parameters = 0;
};

// The first `?` becomes $1, the next $2 and so on. Those in string literals, quoted identifiers and comments
// (block comments nest) are left alone. Backslash (E'…') and dollar-quoted strings are not portable and not
// recognised.
NumberedSql number_placeholders(std::string_view sql);

}  // namespace bulkhead::db

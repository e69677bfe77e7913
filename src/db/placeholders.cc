#include "db/placeholders.h"

namespace bulkhead::db {
namespace {

// Each takes the position of the opening character and returns the position after the end; text that never
// ends reaches to the end of the statement, which the server then refuses.

// A doubled quote inside is two literals side by side, which comes to the same.
std::size_t after_quoted(std::string_view sql, std::size_t at) {
  const std::size_t close = sql.find(sql[at], at + 1);
  return close == std::string_view::npos ? sql.size() : close + 1;
}

std::size_t after_line(std::string_view sql, std::size_t at) {
  const std::size_t end = sql.find('\n', at);
  return end == std::string_view::npos ? sql.size() : end;
}

std::size_t after_block(std::string_view sql, std::size_t at) {
  int depth = 0;
  while (at < sql.size()) {
    const std::string_view pair = sql.substr(at, 2);
    if (pair == "/*") {
      ++depth;
      at += 2;
    } else if (pair == "*/") {
      at += 2;
      if (--depth == 0) return at;
    } else {
      ++at;
    }
  }
  return at;
}

}  // namespace

NumberedSql number_placeholders(std::string_view sql) {
  NumberedSql numbered;
  std::size_t at = 0;
  while (at < sql.size()) {
    const std::size_t start = at;
    const std::string_view pair = sql.substr(at, 2);
    if (sql[at] == '?') {
      numbered.sql += '$' + std::to_string(++numbered.parameters);
      ++at;
      continue;
    }
    if (sql[at] == '\'' || sql[at] == '"') {
      at = after_quoted(sql, at);
    } else if (pair == "--") {
      at = after_line(sql, at);
    } else if (pair == "/*") {
      at = after_block(sql, at);
    } else {
      ++at;
    }
    numbered.sql += sql.substr(start, at - start);
  }
  return numbered;
}

}  // namespace bulkhead::db

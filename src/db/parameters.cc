#include "db/parameters.h"

#include <fmt/format.h>

namespace bulkhead::db {

bool is_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  while (at != end) {
    const unsigned char lead = *at++;
    if (lead < 0x80) continue;
    // The second byte's range is what excludes overlong forms, surrogates and code points past U+10FFFF.
    int continuations = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
      continuations = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      continuations = 2;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      continuations = 3;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    for (; continuations > 0; --continuations) {
      if (at == end || *at < low || *at > high) return false;
      ++at;
      low = 0x80;
      high = 0xbf;
    }
  }
  return true;
}

Result<void> check_parameters(std::span<const Value> parameters) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto* text = parameters[i].text();
    if (!text) continue;
    if (text->find('\0') != std::string::npos) {
      return Error{Errc::invalid_argument,
                   fmt::format("text for the database (parameter {}) contains a NUL character", i + 1)};
    }
    if (!is_utf8(*text)) {
      return Error{Errc::invalid_argument,
                   fmt::format("text for the database (parameter {}) is not valid UTF-8", i + 1)};
    }
  }
  return {};
}

Error wrong_parameter_count(std::string_view sql, std::size_t expected, std::size_t given) {
  return Error{Errc::internal, fmt::format("a statement takes {} parameters and was given {}: {}", expected,
                                           given, excerpt(sql))};
}

std::string excerpt(std::string_view sql) {
  constexpr std::size_t kLength = 120;
  return sql.size() <= kLength ? std::string(sql) : std::string(sql.substr(0, kLength)) + "…";
}

}  // namespace bulkhead::db

// Lists by name, a page at a time. Internal to identity/.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace bulkhead::identity {

// Text that every database takes, before and after which the same names stand: names are ASCII without
// control characters, so a NUL sorts like an end and anything past ASCII sorts like DEL.
inline std::string comparable_name(std::string_view after) {
  const auto strange =
      std::ranges::find_if(after, [](char c) { return c == '\0' || static_cast<unsigned char>(c) > 0x7f; });
  std::string text(after.begin(), strange);
  if (strange != after.end() && *strange != '\0') text.push_back('\x7f');
  return text;
}

inline std::int64_t sql_limit(std::size_t limit) {
  return static_cast<std::int64_t>(std::min<std::size_t>(limit, std::numeric_limits<std::int32_t>::max()));
}

}  // namespace bulkhead::identity

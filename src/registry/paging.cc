#include "registry/paging.h"

#include <algorithm>
#include <limits>

namespace bulkhead::registry {

std::string start_after(std::string_view last) {
  // What is listed is printable ASCII: NUL sorts below all of it, as the end of a text does, and anything
  // past ASCII sorts above, as DEL does.
  const auto strange =
      std::ranges::find_if(last, [](char c) { return c == '\0' || static_cast<unsigned char>(c) > 0x7f; });
  std::string text(last.begin(), strange);
  if (strange != last.end() && *strange != '\0') text.push_back('\x7f');
  return text;
}

std::int64_t rows_for(std::size_t limit) {
  constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
  return static_cast<std::int64_t>(std::min(limit, kMost)) + 1;
}

}  // namespace bulkhead::registry

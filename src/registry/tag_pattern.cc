// A later '*' can take over whatever an earlier one might have matched differently, so only the last one met
// is ever tried again: no recursion, no exponential time.
#include "registry/tag_pattern.h"

namespace bulkhead::registry {

bool matches_tag_pattern(std::string_view pattern, std::string_view tag) {
  if (pattern.empty()) return false;
  constexpr std::size_t kNone = std::string_view::npos;
  std::size_t at = 0;
  std::size_t star = kNone;
  std::size_t star_end = 0;  // where the run that the last '*' stands for ends
  std::size_t i = 0;
  while (i < tag.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_end = i;
    } else if (at < pattern.size() && pattern[at] == tag[i]) {
      ++at;
      ++i;
    } else if (star != kNone) {
      at = star + 1;
      i = ++star_end;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == kNone;
}

}  // namespace bulkhead::registry

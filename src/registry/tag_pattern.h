// Patterns of protected tags. Internal to registry/.
#pragma once

#include <string_view>

namespace bulkhead::registry {

// Whether all of `tag` matches `pattern`, in which '*' stands for any run of characters, the empty one
// included, and everything else for itself. The empty pattern matches nothing. Time is at most the product of
// the lengths.
bool matches_tag_pattern(std::string_view pattern, std::string_view tag);

}  // namespace bulkhead::registry

// The name that was probably meant.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bulkhead::config {

// How many insertions, deletions, replacements and swaps of neighbours lead from one text to the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `text`, if it is near enough to have been meant. A candidate also counts as near
// by its part after the last of `separators`: "idle_timeout" suggests "http.idle_timeout".
std::optional<std::string> nearest(std::string_view text, std::span<const std::string> candidates,
                                   std::string_view separators);

}  // namespace bulkhead::config

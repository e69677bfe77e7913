// Text without control characters, fit for a line of evidence and for a key of a look-up.
#pragma once

#include <algorithm>
#include <string_view>

namespace bulkhead {

inline bool is_plain_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace bulkhead

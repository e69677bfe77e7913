// UTF-8, read one code point at a time (Unicode 15, table 3-7: no overlong forms, no surrogates).
#pragma once

#include <optional>
#include <string_view>

namespace bulkhead {

// Takes one code point off the front of `text`, which is not empty; nothing, and `text` is as it was, when
// the front is not well-formed.
std::optional<char32_t> take_code_point(std::string_view& text);

// C0, DEL and C1: what terminals obey.
constexpr bool is_control(char32_t point) { return point < 0x20 || (point >= 0x7f && point < 0xa0); }

}  // namespace bulkhead

#include "base/utf8.h"

namespace bulkhead {

std::optional<char32_t> take_code_point(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  std::size_t length = 1;
  char32_t point = first;
  char32_t least = 0;
  if (first >= 0xf0 && first <= 0xf4) {
    length = 4, point = first & 0x07u, least = 0x10000;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3, point = first & 0x0fu, least = 0x800;
  } else if (first >= 0xc2 && first <= 0xdf) {
    length = 2, point = first & 0x1fu, least = 0x80;
  } else if (first >= 0x80) {
    return std::nullopt;
  }
  if (text.size() < length) return std::nullopt;
  for (const unsigned char c : text.substr(1, length - 1)) {
    if ((c & 0xc0u) != 0x80) return std::nullopt;
    point = point << 6 | (c & 0x3fu);
  }
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point < least || point > 0x10ffff || surrogate) return std::nullopt;
  text.remove_prefix(length);
  return point;
}

}  // namespace bulkhead

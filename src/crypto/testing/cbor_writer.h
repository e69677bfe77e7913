// Canonical CBOR, and what only looks like it, for tests and fuzz targets: each function gives the encoding
// of one value, and containers take the encodings of what they hold as they are, in the order given.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace bulkhead::crypto::testing {

inline std::string cbor_head(unsigned major, std::uint64_t argument) {
  const auto first = [major](unsigned info) { return std::string(1, static_cast<char>(major << 5 | info)); };
  if (argument < 24) return first(static_cast<unsigned>(argument));
  unsigned size = 1;
  while (size < 8 && argument >> (size * 8) != 0) size *= 2;
  std::string head = first(size == 1 ? 24 : size == 2 ? 25 : size == 4 ? 26 : 27);
  for (unsigned shift = size * 8; shift > 0; shift -= 8)
    head.push_back(static_cast<char>(argument >> (shift - 8)));
  return head;
}

inline std::string cbor_integer(std::int64_t value) {
  return value < 0 ? cbor_head(1, static_cast<std::uint64_t>(-1 - value))
                   : cbor_head(0, static_cast<std::uint64_t>(value));
}
inline std::string cbor_bytes(std::string_view bytes) { return cbor_head(2, bytes.size()).append(bytes); }
inline std::string cbor_text(std::string_view text) { return cbor_head(3, text.size()).append(text); }

inline std::string cbor_array(std::initializer_list<std::string> elements) {
  std::string array = cbor_head(4, elements.size());
  for (const std::string& element : elements) array += element;
  return array;
}

inline std::string cbor_map(std::initializer_list<std::pair<std::string, std::string>> members) {
  std::string map = cbor_head(5, members.size());
  for (const auto& [key, value] : members) map.append(key).append(value);
  return map;
}

}  // namespace bulkhead::crypto::testing

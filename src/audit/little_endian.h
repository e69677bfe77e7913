// Fixed-width integers in files are little-endian.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>

#include "base/bytes.h"

namespace bulkhead::audit {

template <std::unsigned_integral T>
void store(std::byte* out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<std::byte>(value >> (8 * i));
}

template <std::unsigned_integral T>
T load(const std::byte* in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(in[i]) << (8 * i)));
  return value;
}

template <std::unsigned_integral T>
void append(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

// Takes a value off the front; false when there are too few bytes left.
template <std::unsigned_integral T>
bool take(Bytes& in, T& value) {
  if (in.size() < sizeof(T)) return false;
  value = load<T>(in.data());
  in = in.subspan(sizeof(T));
  return true;
}

}  // namespace bulkhead::audit

// A hash for tables whose keys strangers choose: SipHash-1-3 (Aumasson and Bernstein, 2012) under a key of
// the table's own, drawn when the table is made. Whoever does not know the key cannot choose keys that meet
// in one place, so a look-up costs what it costs with keys that nobody chose.
//
// Every unordered container and cache whose keys come from outside takes one of these, or a hash that holds
// one; layout.text refuses std::hash in their place. A copy has the same key. Thread-safe: const once made.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace bulkhead {

class KeyedHash {
 public:
  using is_transparent = void;

  KeyedHash();  // a key from the system's random numbers
  explicit KeyedHash(std::array<std::uint64_t, 2> key) : key_(key) {}

  std::size_t operator()(Bytes bytes) const noexcept;
  std::size_t operator()(std::string_view text) const noexcept { return (*this)(as_bytes(text)); }
  std::size_t operator()(std::uint64_t number) const noexcept;

 private:
  std::array<std::uint64_t, 2> key_;
};

}  // namespace bulkhead

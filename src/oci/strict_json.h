// JSON from outside, read so that it means the same to every reader (RFC 8259, I-JSON's rules of RFC 7493 on
// keys and encoding): valid UTF-8, no key twice in an object, no comments, trailing commas, NaN, infinities
// or bytes after the document; bounded in depth and in values, so that memory stays proportional to what the
// limits allow.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstddef>
#include <string_view>

#include "base/error.h"

namespace bulkhead::oci {

struct JsonLimits {
  std::size_t depth = 64;        // objects and arrays open at once
  std::size_t values = 200'000;  // of any kind, containers included; a value takes up to about 150 bytes
};

// An object with more members is refused: Boost.JSON's table of them is quadratic in keys chosen to collide.
inline constexpr std::size_t kMaxJsonMembers = 10'000;

// Errc::invalid_argument for text that is not such JSON (the message says what and, in up to 64 KiB, at which
// byte), Errc::too_large past `limits.values` or kMaxJsonMembers. An integer is an int64, or a uint64 when it
// only fits there; any other number is a double. Callers include <boost/json/value.hpp>.
Result<boost::json::value> parse_strict_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace bulkhead::oci

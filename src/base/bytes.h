// Byte spans and their text encodings. Decoders are strict: any character outside the alphabet is a failure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bulkhead {

using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(Bytes bytes);                                   // lower case
std::optional<std::string> from_hex(std::string_view text);        // lower case only
std::string to_base64(Bytes bytes);                                // RFC 4648 section 4, padded
std::optional<std::string> from_base64(std::string_view text);     // padding required, canonical only
std::string to_base64url(Bytes bytes);                             // RFC 4648 section 5, unpadded
std::optional<std::string> from_base64url(std::string_view text);  // unpadded, canonical only

}  // namespace bulkhead

// Chunked bodies (RFC 9112 section 7.1), decoded as they arrive. Stricter than the grammar where leniency has
// let one request hide in another: lines end with CR LF and nothing else, no white space around a size, no
// control characters in extensions or trailers. Extensions and trailers are bounded, checked and dropped; a
// trailer that would frame, route, authenticate or describe the message is malformed (RFC 9110
// section 6.5.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/limits.h"

namespace bulkhead::http {

class ChunkedDecoder {
 public:
  // A chunk's size and its extensions together.
  static constexpr std::size_t kSizeLine = 256;

  // A trailer section is held to the limits of a head. `limits` must outlive this.
  explicit ChunkedDecoder(const Limits& limits) : limits_(limits) {}

  struct Decoded {
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };
  // Takes encoded bytes from the front of `in` and puts content into `out`, until either is used up or the
  // body ends. In place is fine: `out` may begin where `in` does if it is at least as long. nullopt when
  // malformed, then and ever after.
  std::optional<Decoded> decode(std::string_view in, std::span<std::byte> out);
  // The last byte of the body's encoding has been taken.
  bool done() const { return state_ == State::done; }

 private:
  enum class State : std::uint8_t {
    size_first,  // at least one digit
    size,
    extension,
    size_end,  // CR seen
    data,
    data_cr,
    data_lf,
    trailer_first,
    trailer_name,
    trailer_value,
    trailer_end,  // CR seen
    last_lf,      // CR of the empty line seen
    done,
    malformed,
  };
  State step(char c);
  State size_digit(char c);
  State trailer(char c);

  const Limits& limits_;
  State state_ = State::size_first;
  std::uint64_t remaining_ = 0;  // of the chunk's size or data
  std::size_t line_ = 0;
  std::size_t trailers_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::string trailer_name_;  // as far as it may still be one that is not allowed
};

}  // namespace bulkhead::http

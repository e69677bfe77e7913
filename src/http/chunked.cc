#include "http/chunked.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "http/grammar.h"
#include "http/request.h"

namespace bulkhead::http {
namespace {

constexpr std::string_view kHeadOnly[] = {"authorization",
                                          "connection",
                                          "content-encoding",
                                          "content-length",
                                          "content-range",
                                          "content-type",
                                          "cookie",
                                          "expect",
                                          "forwarded",
                                          "host",
                                          "if-match",
                                          "if-none-match",
                                          "if-range",
                                          "if-modified-since",
                                          "if-unmodified-since",
                                          "keep-alive",
                                          "proxy-authorization",
                                          "range",
                                          "te",
                                          "trailer",
                                          "transfer-encoding",
                                          "upgrade",
                                          "x-forwarded-for",
                                          "x-forwarded-host",
                                          "x-forwarded-proto"};
constexpr std::size_t kLongestName = 19;

bool belongs_into_the_head(std::string_view name) {
  return std::ranges::any_of(kHeadOnly,
                             [&](std::string_view each) { return equals_ignoring_case(name, each); });
}

}  // namespace

ChunkedDecoder::State ChunkedDecoder::size_digit(char c) {
  const int digit = hex_digit(c);
  if (digit < 0 || remaining_ > std::numeric_limits<std::uint64_t>::max() >> 4) return State::malformed;
  remaining_ = remaining_ << 4 | static_cast<unsigned>(digit);
  return State::size;
}

ChunkedDecoder::State ChunkedDecoder::trailer(char c) {
  if (++trailer_bytes_ > limits_.header_bytes) return State::malformed;
  switch (state_) {
    case State::trailer_first:
      if (c == '\r') return State::last_lf;
      trailer_name_.assign(1, c);
      return is_token(c) && ++trailers_ <= limits_.headers ? State::trailer_name : State::malformed;
    case State::trailer_name:
      if (c == ':') return belongs_into_the_head(trailer_name_) ? State::malformed : State::trailer_value;
      if (trailer_name_.size() <= kLongestName) trailer_name_.push_back(c);
      return is_token(c) ? State::trailer_name : State::malformed;
    case State::trailer_value:
      if (c == '\r') return State::trailer_end;
      return is_field_content(c) ? State::trailer_value : State::malformed;
    default: return c == '\n' ? State::trailer_first : State::malformed;
  }
}

ChunkedDecoder::State ChunkedDecoder::step(char c) {
  switch (state_) {
    case State::size_first:
      line_ = 1;
      remaining_ = 0;
      return size_digit(c);
    case State::size:
    case State::extension:
      if (++line_ > kSizeLine) return State::malformed;
      if (c == '\r') return State::size_end;
      if (state_ == State::extension) return is_field_content(c) ? State::extension : State::malformed;
      return c == ';' ? State::extension : size_digit(c);
    case State::size_end:
      if (c != '\n') return State::malformed;
      return remaining_ > 0 ? State::data : State::trailer_first;
    case State::data_cr: return c == '\r' ? State::data_lf : State::malformed;
    case State::data_lf: return c == '\n' ? State::size_first : State::malformed;
    case State::last_lf: return c == '\n' ? State::done : State::malformed;
    case State::trailer_first:
    case State::trailer_name:
    case State::trailer_value:
    case State::trailer_end: return trailer(c);
    case State::data:
    case State::done:
    case State::malformed: break;
  }
  return State::malformed;
}

std::optional<ChunkedDecoder::Decoded> ChunkedDecoder::decode(std::string_view in, std::span<std::byte> out) {
  Decoded decoded;
  while (decoded.consumed < in.size() && state_ != State::done && state_ != State::malformed) {
    if (state_ != State::data) {
      state_ = step(in[decoded.consumed++]);
      continue;
    }
    const std::size_t count =
        std::min<std::uint64_t>({remaining_, in.size() - decoded.consumed, out.size() - decoded.produced});
    if (count == 0) break;
    std::memmove(out.data() + decoded.produced, in.data() + decoded.consumed, count);
    decoded.consumed += count;
    decoded.produced += count;
    remaining_ -= count;
    if (remaining_ == 0) state_ = State::data_cr;
  }
  if (state_ == State::malformed) return std::nullopt;
  return decoded;
}

}  // namespace bulkhead::http

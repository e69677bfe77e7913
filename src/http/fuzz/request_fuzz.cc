// Bytes from the network reach the head parser and the chunk decoder before anything is known of their
// sender. For any input: the outcome does not depend on how the bytes were cut into segments; an accepted
// head states one length at most, keeps to the limits, and holds views of its own buffer only; a body's
// content is never longer than its bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "http/chunked.h"
#include "http/parser.h"

using bulkhead::http::ChunkedDecoder;
using bulkhead::http::HeaderView;
using bulkhead::http::Limits;
using bulkhead::http::Request;
using bulkhead::http::RequestParser;
using Head = RequestParser::Head;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

bool clean(std::string_view text) {
  return text.find_first_of(std::string_view("\0\r\n", 3)) == std::string_view::npos;
}

void check_accepted(const RequestParser& parser, std::string_view buffer, const Limits& limits) {
  const Request& request = parser.request();
  const auto inside = [&](std::string_view text) {
    return text.empty() ||
           (text.data() >= buffer.data() && text.data() + text.size() <= buffer.data() + buffer.size());
  };
  require(parser.head_bytes() <= buffer.size() && parser.head_bytes() <= limits.header_bytes + 2);
  require(request.headers.size() <= limits.headers);
  for (const HeaderView& header : request.headers) {
    require(inside(header.name) && inside(header.value) && !header.name.empty());
    require(clean(header.name) && clean(header.value) &&
            header.name.find_first_of(" \t:") == std::string_view::npos);
  }
  require(request.target == "/" || (inside(request.target) && inside(request.path) && inside(request.query)));
  require(request.path.starts_with('/') && clean(request.target));
  require(request.path.find('?') == std::string_view::npos);
  require(request.count("content-length") + request.count("transfer-encoding") <= 1);
  require(request.chunked == (request.count("transfer-encoding") == 1));
  require(request.content_length.has_value() == (request.count("content-length") == 1));
  require(request.http_1_0 ? request.count("host") <= 1 && !request.keep_alive : request.count("host") == 1);
}

struct Outcome {
  Head head = Head::incomplete;
  unsigned status = 0;
  std::size_t bytes = 0;
  bool malformed = false;
  bool done = false;
  std::size_t body_bytes = 0;
  std::string content;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Reads as a connection does: `step` bytes arrive at a time.
Outcome read(std::string_view input, std::size_t step, const Limits& limits) {
  Outcome outcome;
  RequestParser parser(limits);
  std::string buffer;
  while (outcome.head == Head::incomplete && buffer.size() < input.size()) {
    buffer.append(input.substr(buffer.size(), step));
    outcome.head = parser.parse(buffer);
  }
  if (outcome.head == Head::refused) {
    outcome.status = parser.refusal().status;
    require(outcome.status >= 400 && outcome.status < 600 && !parser.refusal().message.empty());
  }
  if (outcome.head != Head::complete) return outcome;
  check_accepted(parser, buffer, limits);
  outcome.bytes = parser.head_bytes();
  if (!parser.request().chunked) return outcome;

  ChunkedDecoder decoder(limits);
  std::vector<std::byte> out(step);
  std::string_view rest = input.substr(outcome.bytes);
  while (!rest.empty() && !decoder.done()) {
    const auto decoded = decoder.decode(rest.substr(0, step), out);
    outcome.malformed = !decoded;
    if (!decoded) break;
    require(decoded->consumed <= rest.size() && decoded->produced <= decoded->consumed);
    require(decoded->consumed > 0);
    outcome.content += bulkhead::as_text(std::span(out).first(decoded->produced));
    outcome.body_bytes += decoded->consumed;
    rest.remove_prefix(decoded->consumed);
  }
  outcome.done = decoder.done();
  // What was decoded before the fault depends on the segments; that there is one does not.
  if (outcome.malformed) {
    outcome.content.clear();
    outcome.body_bytes = 0;
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Limits limits;
  limits.header_bytes = 512;
  limits.headers = 8;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = read(input, size, limits);
  const Outcome pieces = read(input, 1 + data[0] % 64, limits);
  // Which of several faults is met first depends on what has arrived; that the request is refused does not.
  if (whole.head == Head::complete || pieces.head == Head::complete)
    require(whole == pieces);
  else
    require(whole.head == pieces.head);
  return 0;
}

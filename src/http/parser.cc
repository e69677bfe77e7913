#include "http/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <cstring>
#include <new>

namespace bulkhead::http {
namespace {

namespace beast = boost::beast;

Method method_named(std::string_view text) {
  if (text == "GET") return Method::get;
  if (text == "HEAD") return Method::head;
  if (text == "POST") return Method::post;
  if (text == "PUT") return Method::put;
  if (text == "PATCH") return Method::patch;
  if (text == "DELETE") return Method::delete_;
  if (text == "OPTIONS") return Method::options;
  return Method::other;
}

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

// Collects views instead of copies: the head is parsed from one contiguous buffer that outlives the request.
struct RequestParser::Beast final : beast::http::basic_parser<true> {
  explicit Beast(Request& into) : request(into) {
    header_limit(std::numeric_limits<std::uint32_t>::max());  // the wrapper's own limits have been applied
    body_limit(boost::none);
  }

  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target, int http_version,
                       beast::error_code&) override {
    request.method_text = view(method);
    request.method = method_named(request.method_text);
    request.target = view(target);
    request.http_1_0 = http_version == 10;
    version = http_version;
  }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     beast::error_code&) override {
    if (!in_body) request.headers.push_back({view(name), view(value)});
  }
  void on_header_impl(beast::error_code&) override { in_body = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
  std::size_t on_body_impl(beast::string_view, beast::error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, beast::error_code& error) override {
    const std::size_t count = std::min(body.size(), out.size() - produced);
    std::memcpy(out.data() + produced, body.data(), count);
    produced += count;
    if (count < body.size()) error = beast::http::error::need_buffer;
    return count;
  }
  void on_finish_impl(beast::error_code&) override {}
  void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}

  Request& request;
  int version = 11;
  bool in_body = false;
  std::span<std::byte> out;
  std::size_t produced = 0;
};

RequestParser::RequestParser(const Limits& limits) : limits_(limits) {}
RequestParser::~RequestParser() = default;

void RequestParser::reset() {
  auto headers = std::move(request_.headers);
  headers.clear();
  request_ = {};
  request_.headers = std::move(headers);
  scanned_ = 0;
  head_bytes_ = 0;
}

bool RequestParser::refuse(unsigned status, std::string message) {
  refusal_ = {status, std::move(message)};
  return false;
}

RequestParser::Head RequestParser::parse(std::string_view buffer) {
  // RFC 9112 section 2.2: one empty line before a request is forgiven.
  const std::size_t skipped = buffer.starts_with("\r\n") ? 2 : 0;
  const std::size_t from = std::max(skipped, scanned_ > 3 ? scanned_ - 3 : 0);
  const void* end = buffer.size() > from
                        ? ::memmem(buffer.data() + from, buffer.size() - from, "\r\n\r\n", 4)
                        : nullptr;
  if (end == nullptr) {
    scanned_ = buffer.size();
    if (buffer.size() <= limits_.header_bytes) return Head::incomplete;
    refuse(431, fmt::format("the request's headers are larger than {} bytes", limits_.header_bytes));
    return Head::refused;
  }
  head_bytes_ = static_cast<std::size_t>(static_cast<const char*>(end) - buffer.data()) + 4;
  const std::string_view head = buffer.substr(skipped, head_bytes_ - skipped);
  if (!check_head(head)) return Head::refused;

  beast_ = std::make_unique<Beast>(request_);
  beast::error_code error;
  beast_->put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (error && error != beast::http::error::need_more) {
    refuse(400, fmt::format("the request is not valid HTTP/1.1: {}", error.message()));
    return Head::refused;
  }
  if (!beast_->is_header_done()) {
    refuse(400, "the request is not valid HTTP/1.1");
    return Head::refused;
  }
  return interpret() ? Head::complete : Head::refused;
}

bool RequestParser::check_head(std::string_view head) {
  if (head.size() > limits_.header_bytes)
    return refuse(431, fmt::format("the request's headers are larger than {} bytes", limits_.header_bytes));
  std::size_t lines = 0;
  for (std::size_t at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
    const char next = head[at + 2];
    if (next == ' ' || next == '\t') return refuse(400, "folded headers are not accepted");
    if (next != '\r' && ++lines > limits_.headers)
      return refuse(431, fmt::format("the request has more than {} headers", limits_.headers));
  }
  for (const char c : head)
    if (c == '\0') return refuse(400, "the request's headers hold a NUL");
  return true;
}

bool RequestParser::interpret() {
  Request& request = request_;
  if (beast_->version != 11 && beast_->version != 10) return refuse(505, "only HTTP/1.1 is spoken here");
  if (request.method_text == "TRACE" || request.method_text == "CONNECT" || request.method_text == "TRACK")
    return refuse(405, fmt::format("{} is not allowed", request.method_text));

  if (request.target.size() > limits_.target_bytes)
    return refuse(414, fmt::format("the request target is longer than {} bytes", limits_.target_bytes));
  if (!request.target.starts_with('/')) {
    // RFC 9112 section 3.2.2: the absolute form is accepted, its authority is not used.
    const std::size_t scheme = request.target.find("://");
    const std::size_t slash = scheme == std::string_view::npos ? scheme : request.target.find('/', scheme + 3);
    if (slash == std::string_view::npos) return refuse(400, "the request target must be a path");
    request.target.remove_prefix(slash);
  }
  const std::size_t question = std::min(request.target.find('?'), request.target.size());
  request.path = request.target.substr(0, question);
  request.query = request.target.substr(std::min(request.target.size(), question + 1));

  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  for (const HeaderView& header : request.headers) {
    if (equals_ignoring_case(header.name, "host")) ++hosts;
    if (equals_ignoring_case(header.name, "content-length")) {
      ++lengths;
      const char* end = header.value.data() + header.value.size();
      std::uint64_t length = 0;
      const auto [stopped, error] = std::from_chars(header.value.data(), end, length);
      if (error != std::errc() || stopped != end || header.value.empty())
        return refuse(400, "Content-Length is not a number");
      request.content_length = length;
    }
    if (equals_ignoring_case(header.name, "transfer-encoding")) {
      ++codings;
      if (!equals_ignoring_case(header.value, "chunked"))
        return refuse(400, "the only Transfer-Encoding accepted is chunked");
      request.chunked = true;
    }
    if (equals_ignoring_case(header.name, "expect")) {
      if (!equals_ignoring_case(header.value, "100-continue")) return refuse(417, "unknown expectation");
      request.expect_continue = true;
    }
  }
  if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0))
    return refuse(400, "the request states its length more than once");
  if (request.http_1_0 && request.chunked) return refuse(400, "HTTP/1.0 has no chunked encoding");
  if (hosts > 1 || (hosts == 0 && !request.http_1_0)) return refuse(400, "exactly one Host header is needed");
  request.keep_alive = beast_->keep_alive();
  return true;
}

std::optional<RequestParser::Decoded> RequestParser::decode(std::string_view in, std::span<std::byte> out) {
  Decoded decoded;
  beast_->out = out;
  beast_->produced = 0;
  beast_->eager(true);
  while (!beast_->is_done()) {
    beast::error_code error;
    const std::size_t used =
        beast_->put(boost::asio::const_buffer(in.data() + decoded.consumed, in.size() - decoded.consumed), error);
    decoded.consumed += used;
    if (error == beast::http::error::need_more || error == beast::http::error::need_buffer) break;
    if (error) return std::nullopt;
    if (used == 0 || beast_->produced == out.size()) break;
  }
  decoded.produced = beast_->produced;
  decoded.done = beast_->is_done();
  return decoded;
}

}  // namespace bulkhead::http

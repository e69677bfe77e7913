#include "http/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

#include "http/grammar.h"

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

// "… HTTP/2.0": a version, but not ours.
bool states_a_version(std::string_view line) {
  const std::size_t size = line.size();
  return size > 8 && line.substr(size - 9, 6) == " HTTP/" && line[size - 2] == '.' &&
         std::string_view("0123456789").find(line[size - 3]) != std::string_view::npos &&
         std::string_view("0123456789").find(line[size - 1]) != std::string_view::npos;
}

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

// Collects views instead of copies: the head is parsed from one contiguous buffer that outlives the request.
struct RequestParser::Beast final : beast::http::basic_parser<true> {
  explicit Beast(Request& into) : request(into) {
    header_limit(std::numeric_limits<std::uint32_t>::max());  // the wrapper's own limits have been applied
    body_limit(boost::none);
  }

  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                       int http_version, beast::error_code&) override {
    request.method_text = view(method);
    request.method = method_named(request.method_text);
    request.target = view(target);
    request.http_1_0 = http_version == 10;
  }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     beast::error_code&) override {
    request.headers.push_back({view(name), view(value)});
  }
  void on_header_impl(beast::error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
  std::size_t on_body_impl(beast::string_view, beast::error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, beast::error_code&) override { return 0; }
  void on_finish_impl(beast::error_code&) override {}
  void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}

  Request& request;
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
  const void* end =
      buffer.size() > from ? ::memmem(buffer.data() + from, buffer.size() - from, "\r\n\r\n", 4) : nullptr;
  if (end == nullptr) {
    if (!check_beginning(buffer, std::exchange(scanned_, buffer.size()))) return Head::refused;
    return Head::incomplete;
  }
  head_bytes_ = static_cast<std::size_t>(static_cast<const char*>(end) - buffer.data()) + 4;
  const std::string_view head = buffer.substr(skipped, head_bytes_ - skipped);
  if (!check_head(head)) return Head::refused;

  beast_ = std::make_unique<Beast>(request_);
  beast::error_code error;
  beast_->put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (error == beast::http::error::bad_version && states_a_version(head.substr(0, head.find('\r'))))
    refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  else if (error && error != beast::http::error::need_more)
    refuse(400, fmt::format("the request is not valid HTTP/1.1: {}", error.message()));
  else if (!beast_->is_header_done())
    refuse(400, "the request is not valid HTTP/1.1");
  else if (interpret())
    return Head::complete;
  return Head::refused;
}

// Bytes that no head can hold are answered now instead of when the client has waited for the time limit. A
// client that speaks TLS to a plain port is the usual case: Docker's tries that first.
bool RequestParser::check_beginning(std::string_view buffer, std::size_t from) {
  if (buffer.size() > limits_.header_bytes)
    return refuse(431, fmt::format("the request's headers are larger than {} bytes", limits_.header_bytes));
  for (std::size_t i = from; i < buffer.size(); ++i) {
    const char c = buffer[i];
    const bool line_end = c == '\r' || (c == '\n' && i > 0 && buffer[i - 1] == '\r');
    if (!is_field_content(c) && !line_end) return refuse(400, "the request is not HTTP/1.1; is it TLS?");
  }
  return true;
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
  return true;
}

// RFC 9112 section 3.2: a path, or the absolute form, whose authority is not used.
bool RequestParser::interpret_target() {
  if (request_.target.size() > limits_.target_bytes)
    return refuse(414, fmt::format("the request target is longer than {} bytes", limits_.target_bytes));
  std::string_view& target = request_.target;
  if (!target.starts_with('/')) {
    const std::size_t scheme = equals_ignoring_case(target.substr(0, 7), "http://")    ? 7
                               : equals_ignoring_case(target.substr(0, 8), "https://") ? 8
                                                                                       : 0;
    const std::string_view rest = target.substr(scheme);
    const std::size_t slash = rest.find('/');
    const std::string_view authority = rest.substr(0, slash);
    if (scheme == 0 || authority.empty() || !is_host(authority))
      return refuse(400, "the request's target must be a path");
    target = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  request_.path = target.substr(0, question);
  request_.query = target.substr(std::min(target.size(), question + 1));
  return true;
}

bool RequestParser::interpret_header(const HeaderView& header) {
  const auto [name, value] = header;
  if (equals_ignoring_case(name, "host") && !is_host(value))
    return refuse(400, "the Host header is not a host name and port");
  if (equals_ignoring_case(name, "content-length")) {
    const char* end = value.data() + value.size();
    std::uint64_t length = 0;
    const auto [stopped, error] = std::from_chars(value.data(), end, length);
    if (error != std::errc() || stopped != end) return refuse(400, "Content-Length is not a number");
    request_.content_length = length;
  }
  if (equals_ignoring_case(name, "transfer-encoding")) {
    if (!equals_ignoring_case(value, "chunked"))
      return refuse(400, "the only Transfer-Encoding accepted is chunked");
    request_.chunked = true;
  }
  // RFC 9110 section 10.1.1: an expectation in HTTP/1.0 is ignored.
  if (equals_ignoring_case(name, "expect") && !request_.http_1_0) {
    if (!equals_ignoring_case(value, "100-continue"))
      return refuse(417, "the only expectation met is 100-continue");
    request_.expect_continue = true;
  }
  return true;
}

// RFC 9110 section 5.3: only lists may come in several lines. Of anything else that says two things, whoever
// takes the first line and whoever takes the last would see different requests.
bool RequestParser::check_single_fields() {
  constexpr std::string_view kSingle[] = {"content-type",     "content-range", "range",  "if-range",
                                          "content-encoding", "authorization", "origin", "idempotency-key"};
  for (std::size_t i = 1; i < request_.headers.size(); ++i) {
    const auto& [name, value] = request_.headers[i];
    const auto same = std::ranges::find_if(
        kSingle, [&name = name](std::string_view single) { return equals_ignoring_case(name, single); });
    if (same != std::end(kSingle) && request_.header(*same) != value)
      return refuse(400, fmt::format("the request has two {} headers that differ", *same));
  }
  return true;
}

bool RequestParser::interpret() {
  const std::string_view method = request_.method_text;
  if (method == "TRACE" || method == "CONNECT" || method == "TRACK")
    return refuse(405, fmt::format("{} is not allowed", method));
  if (!interpret_target()) return false;
  for (const HeaderView& header : request_.headers)
    if (!interpret_header(header)) return false;
  if (!check_single_fields()) return false;
  const std::size_t hosts = request_.count("host");
  if (request_.count("content-length") + request_.count("transfer-encoding") > 1)
    return refuse(400, "the request states its length more than once");
  if (request_.http_1_0 && request_.chunked) return refuse(400, "HTTP/1.0 has no chunked encoding");
  if (hosts > 1 || (hosts == 0 && !request_.http_1_0))
    return refuse(400, "exactly one Host header is needed");
  // An HTTP/1.0 client would wait for an end that never comes unless it is told of persistence in a header of
  // its time.
  request_.keep_alive = beast_->keep_alive() && !request_.http_1_0;
  return true;
}

}  // namespace bulkhead::http

// A request's head, as views into the connection's buffer: valid while the request is being answered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace bulkhead::http {

enum class Method : std::uint8_t { get, head, post, put, patch, delete_, options, other };

struct HeaderView {
  std::string_view name;
  std::string_view value;
};

struct Request {
  Method method = Method::other;
  std::string_view method_text;
  std::string_view target;  // as sent
  std::string_view path;    // the target up to '?', still percent-encoded
  std::string_view query;   // after '?'
  std::vector<HeaderView> headers;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expect_continue = false;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;

  bool has_body() const { return chunked || (content_length && *content_length > 0); }
  // The first header of that name (case-insensitive); nullopt when there is none.
  std::optional<std::string_view> header(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  // All lines of a field that is a list, as the one list that they are (RFC 9110 section 5.3).
  std::optional<std::string> list(std::string_view name) const;
};

using Parameters = std::vector<std::pair<std::string, std::string>>;

// The query's parameters in order, percent-decoded once ('+' stays '+': RFC 3986). Malformed encoding:
// nullopt.
std::optional<Parameters> parse_query(std::string_view query);
// The same for what an HTML form or a program in its manner has written (application/x-www-form-urlencoded),
// where '+' is a space.
std::optional<Parameters> parse_form(std::string_view form);
// The values that a parameter has when it may have one only; nullopt when there is none.
// Errc::invalid_argument when there are two that differ: who takes the first and who takes the last would not
// agree.
Result<std::optional<std::string>> one_value(const Parameters& parameters, std::string_view name);
// One percent-decoding; nullopt for malformed encoding or a NUL.
std::optional<std::string> percent_decode(std::string_view text);

bool equals_ignoring_case(std::string_view left, std::string_view right);

}  // namespace bulkhead::http

// The character classes of RFC 9110 and RFC 3986 that parsers here share.
#pragma once

#include <string_view>

namespace bulkhead::http {

constexpr bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// tchar, RFC 9110 section 5.6.2.
constexpr bool is_token(char c) {
  return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// What a field's value may hold, RFC 9110 section 5.5: visible characters, bytes over 0x7F, spaces and tabs.
constexpr bool is_field_content(char c) {
  return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

// uri-host [ ":" port ], RFC 9110 section 7.2, as far as single characters tell. Empty is allowed.
constexpr bool is_host(std::string_view text) {
  for (const char c : text)
    if (!is_alphanumeric(c) && std::string_view("-._~%!$&'()*+,;=:[]").find(c) == std::string_view::npos)
      return false;
  return true;
}

// -1 for what is not a hexadecimal digit.
constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace bulkhead::http

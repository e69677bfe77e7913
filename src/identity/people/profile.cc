#include "identity/people/profile.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/shown.h"
#include "base/utf8.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

constexpr std::size_t kLongestDisplayName = 128;
constexpr std::size_t kLongestDescription = 256;
constexpr std::size_t kLongestCodePoint = 4;  // bytes of UTF-8
constexpr std::size_t kLongestEmail = 254;    // RFC 5321 section 4.5.3.1.3, less the brackets
constexpr std::size_t kLongestLocalPart = 64;
constexpr std::size_t kLongestLabel = 63;

Result<std::string> parse_text(std::string_view text, std::string_view what, std::size_t longest) {
  const auto refused = [&](std::string_view why) {
    return Error{Errc::invalid_argument, fmt::format("{} {}", what, why)};
  };
  // Before anything looks at the bytes, so that megabytes cost nothing.
  const Error too_long = refused(fmt::format("is longer than {} characters", longest));
  if (text.size() > longest * kLongestCodePoint) return too_long;
  std::size_t characters = 0;
  for (std::string_view rest = text; !rest.empty(); ++characters) {
    const auto point = take_code_point(rest);
    if (!point) return refused("is not valid UTF-8");
    if (is_control(*point)) return refused("contains a control character");
  }
  if (characters > longest) return too_long;
  if (!shows(text))
    return refused("contains a character that cannot be seen and changes how the others read");
  if (text.starts_with(' ') || text.ends_with(' ')) return refused("begins or ends with a space");
  return std::string(text);
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Whether `good` holds for each of the parts between the dots.
template <class F>
bool every_part(std::string_view text, const F& good) {
  for (;;) {
    const std::size_t dot = text.find('.');
    if (!good(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_atom(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_letter_or_digit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
  });
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kLongestLabel && text.front() != '-' && text.back() != '-' &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

}  // namespace

Result<std::string> parse_display_name(std::string_view text) {
  return parse_text(text, "the display name", kLongestDisplayName);
}

Result<std::string> parse_description(std::string_view text) {
  return parse_text(text, "the description", kLongestDescription);
}

Result<std::string> parse_email(std::string_view text) {
  if (text.empty()) return std::string();
  if (text.size() > kLongestEmail)
    return Error{Errc::invalid_argument,
                 fmt::format("the e-mail address is longer than {} characters", kLongestEmail)};
  const std::size_t at = text.find('@');
  const std::string_view local = text.substr(0, at);
  if (at == std::string_view::npos || local.size() > kLongestLocalPart || !every_part(local, is_atom) ||
      !every_part(text.substr(at + 1), is_label))
    return Error{Errc::invalid_argument,
                 fmt::format("{} is no e-mail address; one looks like alice@example.com", oci::quote(text))};
  std::string email(text);
  std::transform(email.begin() + static_cast<std::ptrdiff_t>(at), email.end(),
                 email.begin() + static_cast<std::ptrdiff_t>(at), lower);
  return email;
}

bool same_email(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, lower, lower);
}

}  // namespace bulkhead::identity

#include <fmt/format.h>

#include <cstdint>
#include <optional>

#include "crypto/common_passwords.h"
#include "crypto/password.h"

namespace bulkhead::crypto {
namespace {

constexpr std::size_t kLeastCharacters = 8;
constexpr std::size_t kMostCharacters = 128;
constexpr std::size_t kLongestCharacter = 4;  // bytes of UTF-8

// Takes one code point off the front of the text; nothing when it is not well-formed UTF-8 (Unicode, table
// 3-7).
std::optional<std::uint32_t> take_code_point(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  std::size_t length = 1;
  std::uint32_t point = first;
  std::uint32_t least = 0;
  if (first >= 0xf0 && first <= 0xf4) {
    length = 4, point = first & 0x07u, least = 0x10000;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3, point = first & 0x0fu, least = 0x800;
  } else if (first >= 0xc2 && first <= 0xdf) {
    length = 2, point = first & 0x1fu, least = 0x80;
  } else if (first >= 0x80) {
    return std::nullopt;
  }
  if (text.size() < length) return std::nullopt;
  for (const unsigned char c : text.substr(1, length - 1)) {
    if ((c & 0xc0u) != 0x80) return std::nullopt;
    point = point << 6 | (c & 0x3fu);
  }
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point < least || point > 0x10ffff || surrogate) return std::nullopt;
  text.remove_prefix(length);
  return point;
}

bool is_control(std::uint32_t point) { return point < 0x20 || (point >= 0x7f && point < 0xa0); }

Error refused(std::string_view why) {
  return {Errc::invalid_argument, fmt::format("{}; 15 characters or more are advised", why)};
}

Error too_long() {
  return refused(fmt::format("the password is longer than {} characters", kMostCharacters));
}

}  // namespace

Result<void> check_password_rules(const Secret<>& password) {
  std::string_view rest = password.reveal();
  // Before anything looks at the bytes, so that megabytes cost nothing.
  if (rest.size() > kMostCharacters * kLongestCharacter) return too_long();
  std::size_t characters = 0;
  for (; !rest.empty(); ++characters) {
    const auto point = take_code_point(rest);
    if (!point) return refused("the password is not valid UTF-8");
    if (is_control(*point)) return refused("the password contains a control character");
  }
  if (characters < kLeastCharacters)
    return refused(fmt::format("the password has {} characters, and must have at least {}", characters,
                               kLeastCharacters));
  if (characters > kMostCharacters) return too_long();
  if (is_common_password(password.reveal()))
    return refused("the password is one of those that are guessed first, or a slight variation of one");
  return {};
}

}  // namespace bulkhead::crypto

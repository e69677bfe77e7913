#include <fmt/format.h>

#include "base/utf8.h"
#include "crypto/common_passwords.h"
#include "crypto/password.h"

namespace bulkhead::crypto {
namespace {

constexpr std::size_t kLeastCharacters = 8;
constexpr std::size_t kMostCharacters = 128;
constexpr std::size_t kLongestCharacter = 4;  // bytes of UTF-8

Error refused(std::string_view why) {
  return {Errc::invalid_argument, fmt::format("{}; 15 characters or more are advised", why)};
}

Error too_long() {
  return refused(fmt::format("the password is longer than {} characters", kMostCharacters));
}

}  // namespace

Result<void> check_password_rules(const Secret<>& password, std::span<const std::string_view> reserved) {
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
  for (const std::string_view prefix : reserved)
    if (password.reveal().starts_with(prefix))
      return refused(
          fmt::format("the password begins with {}, as tokens do, and would be taken for one", prefix));
  if (is_common_password(password.reveal()))
    return refused("the password is one of those that are guessed first, or a slight variation of one");
  return {};
}

}  // namespace bulkhead::crypto

#include "identity/federation/user_code.h"

#include <fmt/format.h>

#include "crypto/hash.h"

namespace bulkhead::identity {
namespace {

constexpr std::string_view kConsonants = "BCDFGHJKLMNPQRSTVWXZ";
constexpr std::size_t kCodeLetters = 8;

}  // namespace

Secret<> make_user_code() {
  std::string code;
  while (code.size() < kCodeLetters) {
    // The largest multiple of 20 in a byte, so that no letter is likelier than another.
    const std::string random = crypto::random_bytes(1);
    const auto byte = static_cast<unsigned char>(random.front());
    if (byte < 240) code += kConsonants[byte % kConsonants.size()];
  }
  return Secret<>(std::move(code));
}

Result<std::string> parse_user_code(std::string_view text) {
  std::string code;
  for (const char c : text) {
    if (c == '-' || c == ' ') continue;
    const char letter = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (kConsonants.find(letter) == std::string_view::npos || code.size() == kCodeLetters) {
      code.clear();
      break;
    }
    code += letter;
  }
  if (code.size() != kCodeLetters)
    return Error{Errc::invalid_argument, "a code has eight letters, such as WDJB-MJHT, and no vowels"};
  return code;
}

std::string show_user_code(std::string_view code) {
  return fmt::format("{}-{}", code.substr(0, kCodeLetters / 2), code.substr(kCodeLetters / 2));
}

}  // namespace bulkhead::identity

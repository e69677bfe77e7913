#include "identity/secrets/one_time_code.h"

#include <algorithm>
#include <string>
#include <utility>

#include "crypto/otp.h"

namespace bulkhead::identity {

Secret<> without_separators(const Secret<>& code) {
  constexpr std::size_t kLongerThanAnyCode = 64;
  std::string out;
  out.reserve(kLongerThanAnyCode);
  for (const char c : code.reveal()) {
    if (out.size() == kLongerThanAnyCode) break;
    if (c != ' ' && c != '-') out.push_back(c);
  }
  return Secret<>(std::move(out));
}

bool looks_like_totp(const Secret<>& bare_code) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const std::string& code = bare_code.reveal();
  return code.size() == crypto::kOtpDigits && std::all_of(code.begin(), code.end(), is_digit);
}

}  // namespace bulkhead::identity

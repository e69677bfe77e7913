#include "identity/token_format.h"

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <cstdint>
#include <string>

#include "crypto/hash.h"

namespace bulkhead::identity {
namespace {

constexpr std::size_t kRandom = 30;
constexpr std::size_t kChecksum = 6;  // 62^6 > 2^32
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::array<char, kChecksum> checksum(std::string_view text) {
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  std::uint32_t rest = crc.checksum();
  std::array<char, kChecksum> digits{};
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    *digit = kAlphabet[rest % kAlphabet.size()];
    rest /= static_cast<std::uint32_t>(kAlphabet.size());
  }
  return digits;
}

}  // namespace

Secret<> make_token(std::string_view prefix) {
  const Secret<> random(crypto::random_base62(kRandom));
  std::string token;
  token.reserve(prefix.size() + kRandom + kChecksum);  // so that growing leaves no copy behind
  token.append(prefix).append(random.reveal());
  const auto digits = checksum(token);
  token.append(digits.data(), digits.size());
  return Secret<>(std::move(token));
}

bool token_is_well_formed(std::string_view prefix, std::string_view token) {
  if (token.size() != prefix.size() + kRandom + kChecksum || !token.starts_with(prefix)) return false;
  const auto characters = token.substr(prefix.size());
  if (characters.find_first_not_of(kAlphabet) != std::string_view::npos) return false;
  const auto digits = checksum(token.substr(0, token.size() - kChecksum));
  return token.ends_with(std::string_view(digits.data(), digits.size()));
}

}  // namespace bulkhead::identity

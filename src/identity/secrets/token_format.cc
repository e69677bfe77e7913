#include "identity/secrets/token_format.h"

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <cstdint>
#include <string>

#include "crypto/hash.h"

namespace bulkhead::identity {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::array<char, kTokenChecksum> checksum(std::string_view text) {
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  std::uint32_t rest = crc.checksum();
  std::array<char, kTokenChecksum> digits{};
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    *digit = kAlphabet[rest % kAlphabet.size()];
    rest /= static_cast<std::uint32_t>(kAlphabet.size());
  }
  return digits;
}

}  // namespace

Secret<> make_token(std::string_view prefix) {
  const Secret<> random(crypto::random_base62(kTokenRandom));
  std::string token;
  token.reserve(token_length(prefix));  // so that growing leaves no copy behind
  token.append(prefix).append(random.reveal());
  const auto digits = checksum(token);
  token.append(digits.data(), digits.size());
  return Secret<>(std::move(token));
}

std::string_view where_token_goes(std::string_view text) {
  if (text.starts_with(kPersonalTokenPrefix) || text.starts_with(kRobotTokenPrefix))
    return "what was given as the password is an access token: it goes to docker login in the password's "
           "place, to "
           "bulkhead login --token-stdin, or into the header Authorization of the API";
  if (text.starts_with(kSessionPrefix))
    return "what was given as the password is the secret of a session: it goes into the header Authorization "
           "of "
           "the API";
  if (text.starts_with(kInvitationPrefix))
    return "what was given as the password is an invitation: log in with your password, and accept it with "
           "bulkhead org accept";
  if (text.starts_with(kSetupPrefix))
    return "what was given as the password is the setup token: it makes the first administrator, with "
           "bulkhead setup";
  return {};
}

bool token_is_well_formed(std::string_view prefix, std::string_view token) {
  if (token.size() != token_length(prefix) || !token.starts_with(prefix)) return false;
  const auto characters = token.substr(prefix.size());
  if (characters.find_first_not_of(kAlphabet) != std::string_view::npos) return false;
  const auto digits = checksum(token.substr(0, token.size() - kTokenChecksum));
  return token.ends_with(std::string_view(digits.data(), digits.size()));
}

}  // namespace bulkhead::identity

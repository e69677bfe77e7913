#include "crypto/token.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::crypto {
namespace {

constexpr std::string_view kBeforeKeyId = R"({"alg":"HS256","typ":"at+jwt","kid":")";
constexpr std::string_view kAfterKeyId = R"("})";

std::string header_for(std::uint32_t version) {
  return fmt::format("{}{}{}", kBeforeKeyId, version, kAfterKeyId);
}

// The key version in a header of exactly the one form that header_for() gives.
std::optional<std::uint32_t> parse_header(std::string_view header) {
  if (!header.starts_with(kBeforeKeyId) || !header.ends_with(kAfterKeyId)) return std::nullopt;
  std::uint32_t version = 0;
  const char* begin = header.data() + kBeforeKeyId.size();
  std::from_chars(begin, header.data() + header.size(), version);
  if (header != header_for(version)) return std::nullopt;
  return version;
}

Error refused(std::string message) { return {Errc::unauthenticated, std::move(message)}; }

}  // namespace

std::string sign_jwt(const Keyring& keyring, KeyPurpose purpose, std::string_view claims_json) {
  const Key& key = keyring.current(purpose);
  std::string token = to_base64url(as_bytes(header_for(key.version)));
  token.append(".").append(to_base64url(as_bytes(claims_json)));
  const auto mac = hmac_sha256(as_bytes(key.bytes.reveal()), as_bytes(token));
  return token.append(".").append(to_base64url(mac));
}

Result<std::string> verify_jwt(const Keyring& keyring, KeyPurpose purpose, std::string_view token,
                               JwtLimits limits) {
  if (token.size() > limits.bytes)
    return refused(fmt::format("the token is larger than {} bytes", limits.bytes));
  const auto first_dot = token.find('.');
  const auto last_dot = token.rfind('.');
  if (first_dot == last_dot) return refused("the token does not have three parts");

  // A further dot in between is outside the alphabet and fails there.
  const auto header = from_base64url(token.substr(0, first_dot));
  auto claims = from_base64url(token.substr(first_dot + 1, last_dot - first_dot - 1));
  const auto mac = from_base64url(token.substr(last_dot + 1));
  if (!header || !claims || !mac) return refused("the token is not base64url");

  const auto version = parse_header(*header);
  if (!version) return refused("the token's header is not one that this registry issues");
  const Key* key = keyring.find(purpose, *version);
  if (key == nullptr) return refused("the token's key is not known");
  const auto expected = hmac_sha256(as_bytes(key->bytes.reveal()), as_bytes(token.substr(0, last_dot)));
  if (!equal_in_constant_time(expected, as_bytes(*mac)))
    return refused("the token's signature does not match");
  return std::move(*claims);
}

}  // namespace bulkhead::crypto

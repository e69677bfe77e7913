#include "crypto/otp.h"

#include <openssl/evp.h>

#include <stdexcept>
#include <string>

#include "crypto/hash.h"

namespace bulkhead::crypto {
namespace {

using Mac = std::array<unsigned char, 20>;

Secret<Mac> hmac_sha1(Bytes key, Bytes message) {
  Mac mac{};
  std::size_t size = 0;
  const auto* made = EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA1", nullptr, key.data(), key.size(),
                               reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                               mac.data(), mac.size(), &size);
  if (made == nullptr || size != mac.size())
    throw std::runtime_error("cryptographic library: cannot compute HMAC-SHA-1");
  Secret<Mac> result(mac);
  OPENSSL_cleanse(mac.data(), mac.size());
  return result;
}

}  // namespace

Secret<> hotp(Bytes seed, std::uint64_t counter, unsigned digits) {
  if (digits < 6 || digits > 8) throw std::invalid_argument("a one-time code has 6 to 8 digits");
  std::array<std::byte, 8> message{};
  for (std::size_t i = 0; i < message.size(); ++i)
    message[i] = static_cast<std::byte>(counter >> (56 - 8 * i));

  // Dynamic truncation, RFC 4226 section 5.3.
  const Secret<Mac> secret = hmac_sha1(seed, message);
  const Mac& mac = secret.reveal();
  const std::size_t offset = mac.back() & 0x0f;
  std::uint32_t number = (mac[offset] & 0x7fu) << 24 | static_cast<std::uint32_t>(mac[offset + 1]) << 16 |
                         static_cast<std::uint32_t>(mac[offset + 2]) << 8 | mac[offset + 3];
  std::string code(digits, '0');
  for (auto digit = code.rbegin(); digit != code.rend(); ++digit) {
    *digit = static_cast<char>('0' + number % 10);
    number /= 10;
  }
  return Secret<>(std::move(code));
}

std::int64_t totp_step(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return seconds < 0 ? 0 : seconds / kTotpPeriodSeconds;
}

std::optional<std::int64_t> matching_totp_step(Bytes seed, std::string_view code, Time now) {
  std::optional<std::int64_t> found;
  const std::int64_t step = totp_step(now);
  for (std::int64_t candidate = step - 1; candidate <= step + 1; ++candidate) {
    const Secret<> expected = hotp(seed, static_cast<std::uint64_t>(candidate));
    if (equal_in_constant_time(as_bytes(expected.reveal()), as_bytes(code))) found = candidate;
  }
  return found;
}

}  // namespace bulkhead::crypto

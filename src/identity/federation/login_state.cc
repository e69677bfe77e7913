// "b." FIELDS "." MAC: the fields in base64url (provider, expiry in microseconds, a hash of the binder,
// random bytes, integers in big endian), the keyed hash in hex over "login-state:" and all that is before it.
// The prefixes keep these hashes apart from those of tokens, which begin otherwise.
#include "identity/federation/login_state.h"

#include <fmt/format.h>

#include <array>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "identity/secrets/token_hash.h"

namespace bulkhead::identity {
namespace {

constexpr std::string_view kPrefix = "b.";
constexpr std::size_t kIntegerBytes = 8;
constexpr std::size_t kBinderBytes = 16;
constexpr std::size_t kRandomBytes = 16;
constexpr std::size_t kFieldBytes = 2 * kIntegerBytes + kBinderBytes + kRandomBytes;

std::string big_endian(std::int64_t number) {
  std::string out;
  for (int shift = 56; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint64_t>(number) >> shift & 0xff);
  return out;
}

std::int64_t read_integer(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char c : bytes.substr(0, kIntegerBytes)) number = number << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(number);
}

std::string binder_print(const Secret<>& binder) {
  return crypto::hash(crypto::HashAlgorithm::sha256, as_bytes("login-binder:" + binder.reveal()))
      .substr(0, kBinderBytes);
}

// What stands behind the version in a stored form.
std::string_view hex_of(const std::string& hash) { return std::string_view(hash).substr(hash.find(':') + 1); }

std::string of_state(std::string_view what, std::string_view fields) {
  return fmt::format("login-{}:{}", what, fields);
}

}  // namespace

bool is_login_state(std::string_view text) { return text.starts_with(kPrefix); }

std::string make_login_state(const crypto::Keyring& keyring, std::int64_t provider_id, Time expires_at,
                             const Secret<>& binder) {
  const std::string fields =
      to_base64url(as_bytes(big_endian(provider_id) + big_endian(to_micros(expires_at)) +
                            binder_print(binder) + crypto::random_bytes(kRandomBytes)));
  return fmt::format("{}{}.{}", kPrefix, fields, hex_of(token_hash(keyring, of_state("state", fields))));
}

std::optional<LoginState> read_login_state(const crypto::Keyring& keyring, std::string_view text,
                                           const Secret<>& binder) {
  constexpr std::size_t kEncodedBytes = kFieldBytes / 3 * 4;
  static_assert(kFieldBytes % 3 == 0);
  if (!is_login_state(text) || text.size() < kPrefix.size() + kEncodedBytes + 1) return std::nullopt;
  const std::string_view fields = text.substr(kPrefix.size(), kEncodedBytes);
  if (text[kPrefix.size() + kEncodedBytes] != '.') return std::nullopt;
  const std::string_view mac = text.substr(kPrefix.size() + kEncodedBytes + 1);

  const auto macs = token_hashes(keyring, of_state("state", fields));
  std::size_t version = macs.size();
  for (std::size_t i = 0; i < macs.size(); ++i)
    if (crypto::equal_in_constant_time(as_bytes(hex_of(macs[i])), as_bytes(mac))) version = i;
  const auto bytes = from_base64url(fields);
  if (version == macs.size() || !bytes || bytes->size() != kFieldBytes) return std::nullopt;

  LoginState state;
  state.provider_id = read_integer(*bytes);
  state.expires_at = from_micros(read_integer(std::string_view(*bytes).substr(kIntegerBytes)));
  state.same_browser = crypto::equal_in_constant_time(
      as_bytes(std::string_view(*bytes).substr(2 * kIntegerBytes, kBinderBytes)),
      as_bytes(binder_print(binder)));
  state.nonce = hex_of(token_hashes(keyring, of_state("nonce", fields))[version]);
  state.verifier =
      Secret<>(std::string(hex_of(token_hashes(keyring, of_state("verifier", fields))[version])));
  return state;
}

}  // namespace bulkhead::identity

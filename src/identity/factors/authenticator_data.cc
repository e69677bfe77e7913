#include "identity/factors/authenticator_data.h"

#include <string>
#include <string_view>

#include "crypto/cbor.h"

namespace bulkhead::identity {
namespace {

// The flags of section 6.1; the others are reserved and say nothing.
constexpr unsigned kUserPresent = 1u << 0;
constexpr unsigned kUserVerified = 1u << 2;
constexpr unsigned kHasCredential = 1u << 6;
constexpr unsigned kHasExtensions = 1u << 7;

constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kFixedBytes = kHashBytes + 1 + 4;

Error malformed(std::string_view what) {
  return {Errc::invalid_argument, "the authenticator data " + std::string(what)};
}

std::uint32_t big_endian(Bytes bytes) {
  std::uint32_t value = 0;
  for (const std::byte byte : bytes) value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

Bytes take(Bytes& bytes, std::size_t count) {
  const Bytes taken = bytes.first(count);
  bytes = bytes.subspan(count);
  return taken;
}

// Section 6.5.1.
Result<AttestedCredential> take_credential(Bytes& rest) {
  if (rest.size() < kAaguidBytes + 2) return malformed("ends within the credential");
  const Bytes aaguid = take(rest, kAaguidBytes);
  const std::size_t id_size = big_endian(take(rest, 2));
  if (id_size == 0 || id_size > kMaxCredentialIdBytes)
    return malformed("has a credential id that is empty or longer than 1,023 bytes");
  if (rest.size() < id_size) return malformed("ends within the credential's id");
  const Bytes id = take(rest, id_size);
  const auto prefix = crypto::parse_cbor_prefix(rest);
  if (!prefix) return prefix.error();
  const Bytes encoded_key = take(rest, prefix->size);
  auto key = crypto::CosePublicKey::parse(encoded_key);
  if (!key) return key.error();
  return AttestedCredential{aaguid, id, encoded_key, *std::move(key)};
}

}  // namespace

Result<AuthenticatorData> parse_authenticator_data(Bytes bytes) {
  if (bytes.size() < kFixedBytes) return malformed("is shorter than 37 bytes");
  AuthenticatorData data;
  data.relying_party_hash = take(bytes, kHashBytes);
  const unsigned flags = big_endian(take(bytes, 1));
  data.user_present = (flags & kUserPresent) != 0;
  data.user_verified = (flags & kUserVerified) != 0;
  data.sign_count = big_endian(take(bytes, 4));
  if ((flags & kHasCredential) != 0) {
    auto credential = take_credential(bytes);
    if (!credential) return credential.error();
    data.credential = *std::move(credential);
  }
  if ((flags & kHasExtensions) != 0) {
    const auto extensions = crypto::parse_cbor_prefix(bytes);
    if (!extensions) return extensions.error();
    if (extensions->value.map() == nullptr) return malformed("has extensions that are not a map");
    take(bytes, extensions->size);
  }
  if (!bytes.empty()) return malformed("has bytes after its end");
  return data;
}

}  // namespace bulkhead::identity

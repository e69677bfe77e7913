#include "crypto/aead.h"

#include <sodium.h>

#include <stdexcept>
#include <utility>

namespace bulkhead::crypto {
namespace {

constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kAeadKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(kAeadOverhead == kNonceBytes + kTagBytes);

const unsigned char* readable(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* writable(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

void check_key(const LockedBytes& key) {
  if (key.size() != kAeadKeyBytes) throw std::invalid_argument("a sealing key has 32 bytes");
  if (sodium_init() < 0) throw std::runtime_error("cannot initialise libsodium");
}

void append_big_endian(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift & 0xff));
}

}  // namespace

AssociatedData& AssociatedData::add(std::string_view text) {
  append_big_endian(bytes_, text.size());
  bytes_ += text;
  return *this;
}

AssociatedData& AssociatedData::add(std::int64_t number) {
  append_big_endian(bytes_, static_cast<std::uint64_t>(number));
  return *this;
}

std::string aead_seal(const LockedBytes& key, const AssociatedData& associated, std::string_view plain) {
  check_key(key);
  std::string sealed(kAeadOverhead + plain.size(), '\0');
  randombytes_buf(sealed.data(), kNonceBytes);
  const std::string_view data = associated.bytes();
  crypto_aead_xchacha20poly1305_ietf_encrypt(writable(sealed) + kNonceBytes, nullptr, readable(plain),
                                             plain.size(), readable(data), data.size(), nullptr,
                                             readable(sealed), readable(key.reveal()));
  return sealed;
}

std::optional<Secret<>> aead_open(const LockedBytes& key, const AssociatedData& associated,
                                  std::string_view sealed) {
  check_key(key);
  if (sealed.size() < kAeadOverhead) return std::nullopt;
  std::string plain(sealed.size() - kAeadOverhead, '\0');
  const std::string_view data = associated.bytes();
  const int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
      writable(plain), nullptr, nullptr, readable(sealed) + kNonceBytes, sealed.size() - kNonceBytes,
      readable(data), data.size(), readable(sealed), readable(key.reveal()));
  if (failed != 0) return std::nullopt;
  return Secret<>(std::move(plain));
}

std::optional<LockedBytes> aead_open_key(const LockedBytes& key, const AssociatedData& associated,
                                         std::string_view sealed) {
  const auto plain = aead_open(key, associated, sealed);
  if (!plain) return std::nullopt;
  return LockedBytes(plain->reveal());
}

}  // namespace bulkhead::crypto

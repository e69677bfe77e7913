#include "crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sodium.h>

#include <stdexcept>

namespace bulkhead::crypto {
namespace {

void require(bool succeeded, const char* what) {
  if (!succeeded) throw std::runtime_error(std::string("cryptographic library: cannot ") + what);
}

// Looking an algorithm up by name costs more than hashing a small message with it, so each is looked up once
// and kept until the process ends.
const EVP_MD* digest(HashAlgorithm algorithm) {
  const auto fetch = [](const char* name) {
    EVP_MD* md = EVP_MD_fetch(nullptr, name, nullptr);
    require(md != nullptr, "load a hash algorithm");
    return md;
  };
  static const EVP_MD* const sha256 = fetch("SHA2-256");
  static const EVP_MD* const sha512 = fetch("SHA2-512");
  return algorithm == HashAlgorithm::sha256 ? sha256 : sha512;
}

EVP_MD_CTX* as_context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

std::size_t size_of(HashAlgorithm algorithm) { return algorithm == HashAlgorithm::sha256 ? 32 : 64; }

unsigned char* writable(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

// Never null: C libraries may not be given that, not even with a length of nothing.
const unsigned char* readable(Bytes bytes) {
  static constexpr unsigned char kNothing = 0;
  return bytes.empty() ? &kNothing : reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

void Hasher::Free::operator()(void* context) const { EVP_MD_CTX_free(as_context(context)); }

Hasher::Hasher(HashAlgorithm algorithm) : algorithm_(algorithm), context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr, "allocate a hash");
  require(EVP_DigestInit_ex2(as_context(context_.get()), digest(algorithm), nullptr) == 1, "start a hash");
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(Bytes bytes) {
  require(EVP_DigestUpdate(as_context(context_.get()), bytes.data(), bytes.size()) == 1, "hash");
}

std::string Hasher::current() const {
  const std::unique_ptr<void, Free> copy(EVP_MD_CTX_new());
  require(copy != nullptr, "allocate a hash");
  require(EVP_MD_CTX_copy_ex(as_context(copy.get()), as_context(context_.get())) == 1, "copy a hash");
  std::string result(size_of(algorithm_), '\0');
  require(EVP_DigestFinal_ex(as_context(copy.get()), writable(result), nullptr) == 1, "finish a hash");
  return result;
}

std::string hash(HashAlgorithm algorithm, Bytes bytes) {
  std::string result(size_of(algorithm), '\0');
  require(EVP_Digest(bytes.data(), bytes.size(), writable(result), nullptr, digest(algorithm), nullptr) == 1,
          "hash");
  return result;
}

// libsodium's, although OpenSSL's is quicker: OpenSSL keeps a copy of the key on the heap for as long as a
// context lives, where a core file finds it. This one wipes what it derives and keeps nothing.
std::array<std::byte, 32> hmac_sha256(Bytes key, Bytes message) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, readable(key), key.size());
  crypto_auth_hmacsha256_update(&state, readable(message), message.size());
  std::array<std::byte, 32> result;
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(result.data()));
  sodium_memzero(&state, sizeof state);
  return result;
}

bool equal_in_constant_time(Bytes left, Bytes right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string random_bytes(std::size_t count) {
  std::string result(count, '\0');
  require(RAND_bytes_ex(nullptr, writable(result), count, 0) == 1, "read random bytes");
  return result;
}

std::string random_base62(std::size_t count) {
  static constexpr std::string_view kAlphabet =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  // Bytes past the last whole multiple of 62 would favour the first characters.
  constexpr unsigned kLimit = 256 / 62 * 62;
  std::string result;
  result.reserve(count);
  while (result.size() < count) {
    for (const char c : random_bytes(count - result.size())) {
      const unsigned value = static_cast<unsigned char>(c);
      if (value < kLimit) result.push_back(kAlphabet[value % kAlphabet.size()]);
    }
  }
  return result;
}

}  // namespace bulkhead::crypto

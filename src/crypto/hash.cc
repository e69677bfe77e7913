#include "crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

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

struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

MacContext make_hmac_sha256() {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  require(mac != nullptr, "load HMAC");
  MacContext context(EVP_MAC_CTX_new(mac));  // holds its own reference to the algorithm
  EVP_MAC_free(mac);
  require(context != nullptr, "allocate HMAC");
  char name[] = "SHA2-256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                   OSSL_PARAM_construct_end()};
  require(EVP_MAC_CTX_set_params(context.get(), parameters) == 1, "configure HMAC");
  return context;
}

EVP_MD_CTX* as_context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

std::size_t size_of(HashAlgorithm algorithm) { return algorithm == HashAlgorithm::sha256 ? 32 : 64; }

unsigned char* writable(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

const unsigned char* readable(Bytes bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

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

std::array<std::byte, 32> hmac_sha256(Bytes key, Bytes message) {
  // One context per thread: starting it again with a key of the same length allocates nothing.
  thread_local const MacContext context = make_hmac_sha256();
  // A null key would mean "the key of last time".
  static constexpr unsigned char kNoKey[32] = {};
  const unsigned char* key_bytes = key.empty() ? kNoKey : readable(key);
  std::array<std::byte, 32> result;
  std::size_t size = 0;
  require(EVP_MAC_init(context.get(), key_bytes, key.size(), nullptr) == 1 &&
              EVP_MAC_update(context.get(), readable(message), message.size()) == 1 &&
              EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(result.data()), &size,
                            result.size()) == 1 &&
              size == result.size(),
          "compute HMAC");
  // The context keeps its key, and what it has hashed of it, outside of locked memory: it gets another one.
  require(EVP_MAC_init(context.get(), kNoKey, sizeof kNoKey, nullptr) == 1, "forget a key");
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

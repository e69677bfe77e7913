#include "identity/issuers/testing/signing_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <map>
#include <mutex>
#include <stdexcept>

#include "base/bytes.h"

namespace bulkhead::identity::testing {
namespace {

using crypto::SignatureAlgorithm;

void require(bool done) {
  if (!done) throw std::runtime_error("the test's signing key does not work");
}

template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* value) const {
    kFree(value);
  }
};

std::string bytes_of(const BIGNUM* number, int size) {
  std::string out(static_cast<std::size_t>(size), '\0');
  require(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), size) == size);
  return out;
}

std::string number(EVP_PKEY* key, const char* name, int size) {
  BIGNUM* value = nullptr;
  require(EVP_PKEY_get_bn_param(key, name, &value) == 1);
  const std::unique_ptr<BIGNUM, FreeWith<BN_free>> owner(value);
  return to_base64url(as_bytes(bytes_of(value, size > 0 ? size : BN_num_bytes(value))));
}

// DER to the two numbers side by side.
std::string side_by_side(const std::string& der) {
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG_free>> pair(
      d2i_ECDSA_SIG(nullptr, &data, static_cast<long>(der.size())));
  require(pair != nullptr);
  return bytes_of(ECDSA_SIG_get0_r(pair.get()), 32) + bytes_of(ECDSA_SIG_get0_s(pair.get()), 32);
}

}  // namespace

SigningKey SigningKey::generate(SignatureAlgorithm algorithm, std::string key_id, unsigned rsa_bits) {
  EVP_PKEY* key = nullptr;
  if (algorithm == SignatureAlgorithm::es256) {
    key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  } else if (algorithm == SignatureAlgorithm::eddsa) {
    key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  } else {
    key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{rsa_bits});
  }
  require(key != nullptr);
  return {algorithm, std::move(key_id), std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free)};
}

SigningKey SigningKey::shared_rsa(unsigned which, std::string key_id) {
  static std::mutex mutex;
  static std::map<unsigned, SigningKey> keys;
  const std::lock_guard lock(mutex);
  auto found = keys.find(which);
  if (found == keys.end()) found = keys.emplace(which, generate(SignatureAlgorithm::rs256, "")).first;
  return {SignatureAlgorithm::rs256, std::move(key_id), found->second.key_};
}

std::string SigningKey::sign(std::string_view message) const {
  const std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  const EVP_MD* digest = algorithm_ == SignatureAlgorithm::eddsa ? nullptr : EVP_sha256();
  require(EVP_DigestSignInit(context.get(), &parameters, digest, nullptr, key_.get()) == 1);
  if (algorithm_ == SignatureAlgorithm::ps256)
    require(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
  const auto* data = reinterpret_cast<const unsigned char*>(message.data());
  std::size_t size = 0;
  require(EVP_DigestSign(context.get(), nullptr, &size, data, message.size()) == 1);
  std::string signature(size, '\0');
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  require(EVP_DigestSign(context.get(), out, &size, data, message.size()) == 1);
  signature.resize(size);
  return algorithm_ == SignatureAlgorithm::es256 ? side_by_side(signature) : signature;
}

boost::json::object SigningKey::jwk() const {
  boost::json::object jwk{{"kid", key_id_}, {"use", "sig"}, {"alg", std::string(name(algorithm_))}};
  if (algorithm_ == SignatureAlgorithm::es256) {
    jwk["kty"] = "EC";
    jwk["crv"] = "P-256";
    jwk["x"] = number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32);
    jwk["y"] = number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32);
  } else if (algorithm_ == SignatureAlgorithm::eddsa) {
    std::string raw(32, '\0');
    std::size_t size = raw.size();
    require(EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size) ==
            1);
    jwk["kty"] = "OKP";
    jwk["crv"] = "Ed25519";
    jwk["x"] = to_base64url(as_bytes(raw));
  } else {
    jwk["kty"] = "RSA";
    jwk["n"] = number(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0);
    jwk["e"] = number(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0);
  }
  return jwk;
}

std::string SigningKey::public_pem() const {
  const std::unique_ptr<BIO, FreeWith<BIO_free_all>> bio(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace bulkhead::identity::testing

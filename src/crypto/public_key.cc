#include "crypto/public_key.h"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <array>
#include <string>
#include <utility>

namespace bulkhead::crypto {
namespace {

constexpr std::size_t kRsaBitsLeast = 2048;
constexpr std::size_t kRsaBitsMost = 8192;
constexpr int kExponentBitsMost = 32;
constexpr std::size_t kCoordinateBytes = 32;

constexpr std::array kNames = {
    std::pair{SignatureAlgorithm::rs256, std::string_view("RS256")},
    std::pair{SignatureAlgorithm::ps256, std::string_view("PS256")},
    std::pair{SignatureAlgorithm::es256, std::string_view("ES256")},
    std::pair{SignatureAlgorithm::eddsa, std::string_view("EdDSA")},
};

template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* value) const {
    kFree(value);
  }
};
using NumberPointer = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using BuilderPointer = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using ParametersPointer = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;
using KeyContextPointer = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using DigestContextPointer = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using EcdsaPointer = std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG_free>>;

const unsigned char* data(Bytes bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

NumberPointer number(Bytes bytes) {
  return NumberPointer(BN_bin2bn(data(bytes), static_cast<int>(bytes.size()), nullptr));
}

Error unusable(std::string why) {
  ERR_clear_error();
  return {Errc::invalid_argument, std::move(why)};
}

// Null when the numbers are no key.
std::shared_ptr<EVP_PKEY> build(const char* type, OSSL_PARAM_BLD* builder) {
  const ParametersPointer parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContextPointer context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  return {key, EVP_PKEY_free};
}

// RFC 7518 section 3.4 carries both numbers at full length; OpenSSL takes them in DER.
std::string to_der(Bytes signature) {
  if (signature.size() != 2 * kCoordinateBytes) return "";
  const EcdsaPointer pair(ECDSA_SIG_new());
  NumberPointer r = number(signature.first(kCoordinateBytes));
  NumberPointer s = number(signature.subspan(kCoordinateBytes));
  if (pair == nullptr || r == nullptr || s == nullptr) return "";
  if (ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return "";
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  const int size = i2d_ECDSA_SIG(pair.get(), nullptr);
  if (size <= 0) return "";
  std::string der(static_cast<std::size_t>(size), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  if (i2d_ECDSA_SIG(pair.get(), &out) != size) return "";
  return der;
}

bool use_pss(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

}  // namespace

std::string_view name(SignatureAlgorithm algorithm) {
  for (const auto& [value, text] : kNames)
    if (value == algorithm) return text;
  return "unknown";
}

std::optional<SignatureAlgorithm> parse_signature_algorithm(std::string_view text) {
  for (const auto& [value, spelling] : kNames)
    if (spelling == text) return value;
  return std::nullopt;
}

Result<PublicKey> PublicKey::rsa(Bytes modulus, Bytes exponent) {
  // One byte more than the largest needs, since some write a leading zero.
  if (modulus.size() > kRsaBitsMost / 8 + 1 || exponent.size() > 8)
    return unusable("the RSA key is too large");
  const NumberPointer n = number(modulus);
  const NumberPointer e = number(exponent);
  if (n == nullptr || e == nullptr) return unusable("the RSA key cannot be read");
  const auto bits = static_cast<std::size_t>(BN_num_bits(n.get()));
  if (bits < kRsaBitsLeast || bits > kRsaBitsMost)
    return unusable(
        fmt::format("the RSA key has {} bits; {} to {} are accepted", bits, kRsaBitsLeast, kRsaBitsMost));
  if (BN_is_odd(n.get()) == 0) return unusable("the RSA modulus is even");
  if (BN_is_odd(e.get()) == 0 || BN_is_one(e.get()) == 1 || BN_num_bits(e.get()) > kExponentBitsMost)
    return unusable("the RSA exponent is not an odd number from 3 to 2^32");
  const BuilderPointer builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return unusable("the RSA key cannot be read");
  auto key = build("RSA", builder.get());
  if (key == nullptr) return unusable("the RSA key cannot be read");
  return PublicKey(Kind::rsa, std::move(key));
}

Result<PublicKey> PublicKey::p256(Bytes x, Bytes y) {
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes)
    return unusable("a coordinate on P-256 has 32 bytes");
  // SEC 1 section 2.3.3, uncompressed.
  std::string point = "\x04";
  point.append(as_text(x)).append(as_text(y));
  const BuilderPointer builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) !=
          1)
    return unusable("the P-256 key cannot be read");
  auto key = build("EC", builder.get());
  const KeyContextPointer check(key ? EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr) : nullptr);
  if (check == nullptr || EVP_PKEY_public_check(check.get()) != 1)
    return unusable("the key is not a point on P-256");
  return PublicKey(Kind::p256, std::move(key));
}

Result<PublicKey> PublicKey::ed25519(Bytes key) {
  if (key.size() != 32) return unusable("an Ed25519 key has 32 bytes");
  std::shared_ptr<EVP_PKEY> read(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data(key), key.size()), EVP_PKEY_free);
  if (read == nullptr) return unusable("the Ed25519 key cannot be read");
  return PublicKey(Kind::ed25519, std::move(read));
}

bool PublicKey::serves(SignatureAlgorithm algorithm) const {
  switch (algorithm) {
    case SignatureAlgorithm::rs256:
    case SignatureAlgorithm::ps256: return kind_ == Kind::rsa;
    case SignatureAlgorithm::es256: return kind_ == Kind::p256;
    case SignatureAlgorithm::eddsa: return kind_ == Kind::ed25519;
  }
  return false;
}

bool PublicKey::verify(SignatureAlgorithm algorithm, Bytes message, Bytes signature) const {
  if (!serves(algorithm)) return false;
  std::string der;
  if (algorithm == SignatureAlgorithm::es256) {
    der = to_der(signature);
    signature = as_bytes(der);
  }
  const EVP_MD* digest = algorithm == SignatureAlgorithm::eddsa ? nullptr : EVP_sha256();
  const DigestContextPointer context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // the context's own
  const bool ready = context != nullptr &&
                     EVP_DigestVerifyInit(context.get(), &parameters, digest, nullptr, key_.get()) == 1 &&
                     (algorithm != SignatureAlgorithm::ps256 || use_pss(parameters));
  const bool valid = ready && EVP_DigestVerify(context.get(), data(signature), signature.size(),
                                               data(message), message.size()) == 1;
  if (!valid) ERR_clear_error();
  return valid;
}

}  // namespace bulkhead::crypto

#include "crypto/cose.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

#include "crypto/cbor.h"

namespace bulkhead::crypto {
namespace {

// RFC 9052 section 7.1 and RFC 9053 section 7.
namespace label {
constexpr std::int64_t kType = 1;
constexpr std::int64_t kAlgorithm = 3;
constexpr std::int64_t kCurve = -1;
constexpr std::int64_t kX = -2;
constexpr std::int64_t kY = -3;
constexpr std::int64_t kModulus = -1;
constexpr std::int64_t kExponent = -2;
}  // namespace label
constexpr std::int64_t kTypeOkp = 1;
constexpr std::int64_t kTypeEc2 = 2;
constexpr std::int64_t kTypeRsa = 3;
constexpr std::int64_t kCurveP256 = 1;
constexpr std::int64_t kCurveEd25519 = 6;

constexpr int kSmallestModulusBits = 2048;
constexpr int kLargestModulusBits = 4096;
constexpr std::size_t kCoordinateBytes = 32;

template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* value) const {
    kFree(value);
  }
};
using ContextPointer = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using DigestPointer = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using NumberPointer = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using BuilderPointer = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using ParametersPointer = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;

// What OpenSSL remembers of a refusal must not be taken for an error of this thread's next TLS connection.
struct ForgetErrors {
  ForgetErrors() = default;
  ForgetErrors(const ForgetErrors&) = delete;
  ForgetErrors& operator=(const ForgetErrors&) = delete;
  ~ForgetErrors() { ERR_clear_error(); }
};

void require(bool succeeded) {
  if (!succeeded) throw std::runtime_error("cryptographic library: cannot take a public key");
}

Error malformed(std::string_view what) {
  return {Errc::invalid_argument, "the public key " + std::string(what)};
}

const unsigned char* octets(Bytes bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

std::optional<std::int64_t> integer_at(const Cbor& map, std::int64_t key) {
  const Cbor* value = map.find(key);
  return value == nullptr ? std::nullopt : value->integer();
}

std::optional<Bytes> bytes_at(const Cbor& map, std::int64_t key) {
  const Cbor* value = map.find(key);
  return value == nullptr ? std::nullopt : value->bytes();
}

// nullptr where OpenSSL does not accept the values as a key.
EVP_PKEY* from_parameters(const char* type, OSSL_PARAM* parameters) {
  const ContextPointer context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  require(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1);
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) return nullptr;
  return key;
}

bool is_sound(EVP_PKEY* key) {
  const ContextPointer context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  require(context != nullptr);
  return EVP_PKEY_public_check(context.get()) == 1;
}

Result<EVP_PKEY*> parse_ec2(const Cbor& map) {
  const auto curve = integer_at(map, label::kCurve);
  if (curve != kCurveP256) return Error{Errc::unsupported, "the public key is not on the curve P-256"};
  const auto x = bytes_at(map, label::kX);
  const auto y = bytes_at(map, label::kY);
  if (!x || !y || x->size() != kCoordinateBytes || y->size() != kCoordinateBytes)
    return malformed("does not have two coordinates of 32 bytes");
  std::string point = "\x04";  // uncompressed, SEC 1 section 2.3.3
  point.append(as_text(*x)).append(as_text(*y));
  char group[] = "prime256v1";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* key = from_parameters("EC", parameters);
  if (key == nullptr || !is_sound(key)) {
    EVP_PKEY_free(key);
    return malformed("is not a point of its curve");
  }
  return key;
}

Result<EVP_PKEY*> parse_okp(const Cbor& map) {
  const auto curve = integer_at(map, label::kCurve);
  if (curve != kCurveEd25519) return Error{Errc::unsupported, "the public key is not on the curve Ed25519"};
  const auto x = bytes_at(map, label::kX);
  if (!x || x->size() != kCoordinateBytes) return malformed("does not have a coordinate of 32 bytes");
  EVP_PKEY* key = EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, octets(*x), x->size());
  require(key != nullptr);
  return key;
}

Result<EVP_PKEY*> parse_rsa(const Cbor& map) {
  const auto modulus = bytes_at(map, label::kModulus);
  const auto exponent = bytes_at(map, label::kExponent);
  if (!modulus || !exponent) return malformed("does not have a modulus and an exponent");
  const NumberPointer n(BN_bin2bn(octets(*modulus), static_cast<int>(modulus->size()), nullptr));
  const NumberPointer e(BN_bin2bn(octets(*exponent), static_cast<int>(exponent->size()), nullptr));
  require(n != nullptr && e != nullptr);
  const int bits = BN_num_bits(n.get());
  if (bits < kSmallestModulusBits || bits > kLargestModulusBits || !BN_is_odd(n.get()))
    return malformed("does not have an RSA modulus of 2048 to 4096 bits");
  // NIST SP 800-56B section 6.2: odd and more than 2^16; larger than 32 bits only costs time.
  if (!BN_is_odd(e.get()) || BN_num_bits(e.get()) <= 16 || BN_num_bits(e.get()) > 32)
    return malformed("does not have an RSA exponent between 2^16 and 2^32");
  const BuilderPointer builder(OSSL_PARAM_BLD_new());
  require(builder != nullptr && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
          OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
  const ParametersPointer parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  require(parameters != nullptr);
  EVP_PKEY* key = from_parameters("RSA", parameters.get());
  if (key == nullptr) return malformed("is not an RSA key");
  return key;
}

struct Kind {
  CoseAlgorithm algorithm;
  std::int64_t type;
  std::size_t members;
  Result<EVP_PKEY*> (*parse)(const Cbor&);
};
constexpr Kind kKinds[] = {
    {CoseAlgorithm::es256, kTypeEc2, 5, parse_ec2},
    {CoseAlgorithm::eddsa, kTypeOkp, 4, parse_okp},
    {CoseAlgorithm::rs256, kTypeRsa, 4, parse_rsa},
};

bool fits(CoseAlgorithm algorithm, EVP_PKEY* key) {
  switch (algorithm) {
    case CoseAlgorithm::es256: {
      char group[32] = {};
      return EVP_PKEY_is_a(key, "EC") == 1 &&
             EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
             std::string_view(group) == "prime256v1";
    }
    case CoseAlgorithm::eddsa: return EVP_PKEY_is_a(key, "ED25519") == 1;
    case CoseAlgorithm::rs256:
      return EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) >= kSmallestModulusBits &&
             EVP_PKEY_get_bits(key) <= kLargestModulusBits;
  }
  return false;
}

}  // namespace

std::optional<CoseAlgorithm> parse_cose_algorithm(std::int64_t number) {
  for (const Kind& kind : kKinds)
    if (number == static_cast<std::int64_t>(kind.algorithm)) return kind.algorithm;
  return std::nullopt;
}

bool signature_verifies(CoseAlgorithm algorithm, evp_pkey_st* key, Bytes message, Bytes signature) {
  const ForgetErrors forget;
  if (key == nullptr || !fits(algorithm, key)) return false;
  const DigestPointer context(EVP_MD_CTX_new());
  require(context != nullptr);
  const char* digest = algorithm == CoseAlgorithm::eddsa ? nullptr : "SHA2-256";
  return EVP_DigestVerifyInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key, nullptr) == 1 &&
         EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(message),
                          message.size()) == 1;
}

void CosePublicKey::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

Result<CosePublicKey> CosePublicKey::parse(Bytes encoded) {
  const ForgetErrors forget;
  const auto map = parse_cbor(encoded);
  if (!map) return map.error();
  if (map->map() == nullptr) return malformed("is not a CBOR map");
  const auto number = integer_at(*map, label::kAlgorithm);
  if (!number) return malformed("names no algorithm");
  const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& candidate) {
    return *number == static_cast<std::int64_t>(candidate.algorithm);
  });
  if (kind == std::end(kKinds))
    return Error{Errc::unsupported, "the public key is for COSE algorithm " + std::to_string(*number) +
                                        "; -7 (ES256), -8 (EdDSA) and -257 (RS256) are accepted"};
  if (integer_at(*map, label::kType) != kind->type || map->map()->size() != kind->members)
    return malformed("does not have the members of its algorithm");
  const auto key = kind->parse(*map);
  if (!key) return key.error();
  return CosePublicKey(kind->algorithm, *key);
}

}  // namespace bulkhead::crypto

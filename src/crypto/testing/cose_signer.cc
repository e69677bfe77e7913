#include "crypto/testing/cose_signer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdexcept>

#include "crypto/testing/cbor_writer.h"

namespace bulkhead::crypto::testing {
namespace {

void require(bool succeeded) {
  if (!succeeded) throw std::runtime_error("a test's key or certificate could not be made");
}

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

evp_pkey_st* generate(CoseAlgorithm algorithm) {
  switch (algorithm) {
    case CoseAlgorithm::es256: return EVP_EC_gen("P-256");
    case CoseAlgorithm::eddsa: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case CoseAlgorithm::rs256: return EVP_RSA_gen(2048);
  }
  return nullptr;
}

std::string number(evp_pkey_st* key, const char* parameter, int size = 0) {
  BIGNUM* value = nullptr;
  require(EVP_PKEY_get_bn_param(key, parameter, &value) == 1);
  std::string bytes(static_cast<std::size_t>(size > 0 ? size : BN_num_bytes(value)), '\0');
  require(BN_bn2binpad(value, reinterpret_cast<unsigned char*>(bytes.data()),
                       static_cast<int>(bytes.size())) > 0);
  BN_free(value);
  return bytes;
}

void add_entry(X509_NAME* name, const char* kind, const std::string& value) {
  if (!value.empty())
    require(X509_NAME_add_entry_by_txt(name, kind, MBSTRING_UTF8, octets(value),
                                       static_cast<int>(value.size()), -1, 0) == 1);
}

void add_aaguid(X509* certificate, const AttestationSubject& subject) {
  if (subject.aaguid.empty()) return;
  ASN1_OBJECT* kind = OBJ_txt2obj("1.3.6.1.4.1.45724.1.1.4", 1);
  ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
  const std::string inner = std::string("\x04\x10") + subject.aaguid;
  require(ASN1_OCTET_STRING_set(value, octets(inner), static_cast<int>(inner.size())) == 1);
  X509_EXTENSION* extension =
      X509_EXTENSION_create_by_OBJ(nullptr, kind, subject.aaguid_is_critical ? 1 : 0, value);
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(kind);
}

}  // namespace

CoseSigner::CoseSigner(CoseAlgorithm algorithm)
    : algorithm_(algorithm), key_(generate(algorithm), [](evp_pkey_st* key) { EVP_PKEY_free(key); }) {
  require(key_ != nullptr);
}

std::string CoseSigner::public_key() const {
  const auto algorithm = std::pair{cbor_integer(3), cbor_integer(static_cast<std::int64_t>(algorithm_))};
  const auto type = [](std::int64_t value) { return std::pair{cbor_integer(1), cbor_integer(value)}; };
  switch (algorithm_) {
    case CoseAlgorithm::es256:
      return cbor_map({type(2),
                       algorithm,
                       {cbor_integer(-1), cbor_integer(1)},
                       {cbor_integer(-2), cbor_bytes(number(get(), OSSL_PKEY_PARAM_EC_PUB_X, 32))},
                       {cbor_integer(-3), cbor_bytes(number(get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32))}});
    case CoseAlgorithm::eddsa: {
      std::string x(32, '\0');
      std::size_t size = x.size();
      require(EVP_PKEY_get_raw_public_key(get(), reinterpret_cast<unsigned char*>(x.data()), &size) == 1);
      return cbor_map(
          {type(1), algorithm, {cbor_integer(-1), cbor_integer(6)}, {cbor_integer(-2), cbor_bytes(x)}});
    }
    case CoseAlgorithm::rs256:
      return cbor_map({type(3),
                       algorithm,
                       {cbor_integer(-1), cbor_bytes(number(get(), OSSL_PKEY_PARAM_RSA_N))},
                       {cbor_integer(-2), cbor_bytes(number(get(), OSSL_PKEY_PARAM_RSA_E))}});
  }
  return {};
}

std::string CoseSigner::sign(std::string_view message) const {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const char* digest = algorithm_ == CoseAlgorithm::eddsa ? nullptr : "SHA2-256";
  std::size_t size = 0;
  require(EVP_DigestSignInit_ex(context, nullptr, digest, nullptr, nullptr, get(), nullptr) == 1 &&
          EVP_DigestSign(context, nullptr, &size, octets(message), message.size()) == 1);
  std::string signature(size, '\0');
  require(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size, octets(message),
                         message.size()) == 1);
  EVP_MD_CTX_free(context);
  signature.resize(size);
  return signature;
}

std::string make_attestation_certificate(const CoseSigner& signer, const AttestationSubject& subject) {
  X509* certificate = X509_new();
  require(X509_set_version(certificate, subject.version - 1) == 1 &&
          ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME* name = X509_get_subject_name(certificate);
  add_entry(name, "C", subject.country);
  add_entry(name, "O", subject.organization);
  add_entry(name, "OU", subject.unit);
  add_entry(name, "OU", subject.more_units);
  add_entry(name, "CN", subject.common_name);
  require(X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, signer.get()) == 1);
  if (!subject.constraints.empty()) {
    X509_EXTENSION* constraints =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, subject.constraints.c_str());
    require(constraints != nullptr && X509_add_ext(certificate, constraints, -1) == 1);
    X509_EXTENSION_free(constraints);
  }
  add_aaguid(certificate, subject);
  require(X509_sign(certificate, signer.get(),
                    signer.algorithm() == CoseAlgorithm::eddsa ? nullptr : EVP_sha256()) > 0);
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  require(size > 0);
  std::string encoded(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  X509_free(certificate);
  return encoded;
}

}  // namespace bulkhead::crypto::testing

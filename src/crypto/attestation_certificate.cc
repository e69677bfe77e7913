#include "crypto/attestation_certificate.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bulkhead::crypto {
namespace {

constexpr const char* kAaguidExtension = "1.3.6.1.4.1.45724.1.1.4";
constexpr std::string_view kUnit = "Authenticator Attestation";

struct FreeObject {
  void operator()(ASN1_OBJECT* object) const { ASN1_OBJECT_free(object); }
};
struct FreeConstraints {
  void operator()(BASIC_CONSTRAINTS* constraints) const { BASIC_CONSTRAINTS_free(constraints); }
};

// As in cose.cc: a refusal is not the next TLS connection's error.
struct ForgetErrors {
  ForgetErrors() = default;
  ForgetErrors(const ForgetErrors&) = delete;
  ForgetErrors& operator=(const ForgetErrors&) = delete;
  ~ForgetErrors() { ERR_clear_error(); }
};

Error refused(std::string_view what) {
  return {Errc::invalid_argument, "the attestation certificate " + std::string(what)};
}

// The one entry of its kind in the subject; empty when there is none, or more.
std::optional<std::string> subject_entry(const X509* certificate, int kind) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, kind, -1);
  if (index < 0 || X509_NAME_get_index_by_NID(subject, kind, index) >= 0) return std::nullopt;
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return std::nullopt;
  std::string value(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return value;
}

bool is_country(std::string_view text) {
  const auto is_letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  return text.size() == 2 && is_letter(text[0]) && is_letter(text[1]);
}

bool has_subject(const X509* certificate) {
  const auto country = subject_entry(certificate, NID_countryName);
  const auto organization = subject_entry(certificate, NID_organizationName);
  const auto unit = subject_entry(certificate, NID_organizationalUnitName);
  const auto name = subject_entry(certificate, NID_commonName);
  return country && is_country(*country) && organization && !organization->empty() && unit == kUnit && name &&
         !name->empty();
}

bool is_marked_as_no_authority(const X509* certificate) {
  int critical = 0;
  const std::unique_ptr<BASIC_CONSTRAINTS, FreeConstraints> constraints(static_cast<BASIC_CONSTRAINTS*>(
      X509_get_ext_d2i(certificate, NID_basic_constraints, &critical, nullptr)));
  return constraints != nullptr && constraints->ca == 0;
}

Result<void> check_model(const X509* certificate, Bytes aaguid) {
  const std::unique_ptr<ASN1_OBJECT, FreeObject> kind(OBJ_txt2obj(kAaguidExtension, 1));
  if (kind == nullptr) throw std::runtime_error("cryptographic library: cannot name an extension");
  const int index = X509_get_ext_by_OBJ(certificate, kind.get(), -1);
  if (index < 0) return {};
  if (X509_get_ext_by_OBJ(certificate, kind.get(), index) >= 0) return refused("names two models");
  X509_EXTENSION* extension = X509_get_ext(certificate, index);
  if (X509_EXTENSION_get_critical(extension) != 0) return refused("names its model as critical");
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
  // The extension's value is itself an OCTET STRING of 16 bytes.
  std::string expected = "\x04\x10";
  expected.append(as_text(aaguid));
  const std::string_view actual(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                static_cast<std::size_t>(ASN1_STRING_length(value)));
  if (actual != expected) return refused("is for another model of authenticator");
  return {};
}

}  // namespace

void AttestationCertificate::Free::operator()(x509_st* certificate) const { X509_free(certificate); }

Result<AttestationCertificate> AttestationCertificate::parse(Bytes der) {
  const ForgetErrors forget;
  if (der.size() > kMaxBytes) return refused("is larger than 8 KiB");
  const auto* const begin = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* position = begin;
  AttestationCertificate parsed(d2i_X509(nullptr, &position, static_cast<long>(der.size())));
  if (parsed.certificate_ == nullptr || position != begin + der.size())
    return refused("is not an X.509 certificate");
  return parsed;
}

Result<void> AttestationCertificate::may_attest(Bytes aaguid) const {
  const ForgetErrors forget;
  if (X509_get_version(certificate_.get()) != X509_VERSION_3) return refused("is not of version 3");
  if (!has_subject(certificate_.get()))
    return refused("does not have the subject that WebAuthn section 8.2.1 asks for");
  if (!is_marked_as_no_authority(certificate_.get())) return refused("does not say that it is no authority");
  return check_model(certificate_.get(), aaguid);
}

bool AttestationCertificate::verifies(CoseAlgorithm algorithm, Bytes message, Bytes signature) const {
  const ForgetErrors forget;
  return signature_verifies(algorithm, X509_get0_pubkey(certificate_.get()), message, signature);
}

}  // namespace bulkhead::crypto

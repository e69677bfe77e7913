#include "crypto/certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>
#include <stdexcept>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::crypto {
namespace {

// One deleter for all of OpenSSL's types, by their free function.
template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* value) const {
    kFree(value);
  }
};
using BioPointer = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using NumberPointer = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using CertificatePointer = std::unique_ptr<X509, FreeWith<X509_free>>;
using ExtensionPointer = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
using NamePointer = std::unique_ptr<GENERAL_NAME, FreeWith<GENERAL_NAME_free>>;
using NamesPointer = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;
using StringPointer = std::unique_ptr<ASN1_STRING, FreeWith<ASN1_STRING_free>>;
using TimePointer = std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>>;

void require(bool succeeded, const char* what) {
  if (succeeded) return;
  ERR_clear_error();
  throw std::runtime_error(std::string("certificate: cannot ") + what);
}

BioPointer reader(std::string_view text) {
  require(text.size() <= std::numeric_limits<int>::max(), "read so much text");
  BioPointer bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  require(bio != nullptr, "read text");
  return bio;
}

std::string contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  require(size > 0, "encode");
  return std::string(data, static_cast<std::size_t>(size));
}

// An encrypted key must not make the library ask for its password on the terminal.
int no_password(char*, int, int, void*) { return 0; }

std::time_t to_time_t(Time time) {
  return std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::seconds>(time));
}

void set_time(ASN1_TIME* field, Time time) {
  require(ASN1_TIME_set(field, to_time_t(time)) != nullptr, "set the validity");
}

void set_serial(X509* certificate) {
  // 127 random bits: positive and within the 20 octets that RFC 5280 section 4.1.2.2 allows.
  std::string bytes = random_bytes(16);
  bytes.front() = static_cast<char>(bytes.front() & 0x7f);
  const NumberPointer number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                       static_cast<int>(bytes.size()), nullptr));
  require(
      number != nullptr && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr,
      "set the serial number");
}

void set_common_name(X509* certificate, std::string_view name) {
  require(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(name.data()),
                                     static_cast<int>(name.size()), -1, 0) == 1,
          "set the subject");
}

void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPointer extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, "add an extension");
}

void append_name(GENERAL_NAMES* names, int type, StringPointer value) {
  NamePointer name(GENERAL_NAME_new());
  require(name != nullptr && value != nullptr, "make a name");
  GENERAL_NAME_set0_value(name.get(), type, value.release());
  require(sk_GENERAL_NAME_push(names, name.get()) > 0, "add a name");
  static_cast<void>(name.release());
}

// Built from values and not from a configuration line, in which a comma would begin another name.
void add_subject_names(X509* certificate, const ServerNames& wanted) {
  const NamesPointer names(GENERAL_NAMES_new());
  require(names != nullptr, "make names");
  for (const auto& dns : wanted.dns) {
    StringPointer value(ASN1_IA5STRING_new());
    require(value != nullptr && ASN1_STRING_set(value.get(), dns.data(), static_cast<int>(dns.size())) == 1,
            "make a name");
    append_name(names.get(), GEN_DNS, std::move(value));
  }
  for (const auto& address : wanted.addresses)
    append_name(names.get(), GEN_IPADD, StringPointer(a2i_IPADDRESS(address.c_str())));
  require(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1, "add the names");
}

CertificatePointer new_certificate(const PrivateKey& key, std::string_view common_name, Time from,
                                   Time until) {
  CertificatePointer made(X509_new());
  X509* const certificate = made.get();
  require(certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1, "start");
  set_serial(certificate);
  set_time(X509_getm_notBefore(certificate), from);
  set_time(X509_getm_notAfter(certificate), until);
  set_common_name(certificate, common_name);
  require(X509_set_pubkey(certificate, key.get()) == 1, "set the public key");
  return made;
}

void sign(X509* certificate, const PrivateKey& key) {
  require(X509_sign(certificate, key.get(), EVP_sha256()) > 0, "sign");
}

}  // namespace

void PrivateKey::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

PrivateKey PrivateKey::generate() {
  PrivateKey key(EVP_EC_gen("P-256"));
  require(key.get() != nullptr, "generate a key");
  return key;
}

std::optional<PrivateKey> PrivateKey::parse(std::string_view pem) {
  PrivateKey key(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (key.get() == nullptr) return std::nullopt;
  return key;
}

Secret<> PrivateKey::pem() const {
  const BioPointer bio(BIO_new(BIO_s_secmem()));  // wiped when it goes
  require(bio != nullptr &&
              PEM_write_bio_PrivateKey(bio.get(), get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "encode a key");
  return Secret<>(contents(bio.get()));
}

bool is_dns_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const auto label = text.substr(0, text.find('.'));
    const auto allowed = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
             c == '_';
    };
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, allowed))
      return false;
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

bool is_ip_address(std::string_view text) {
  const std::string terminated(text);
  std::array<unsigned char, sizeof(in6_addr)> ignored;
  return terminated.size() == std::char_traits<char>::length(terminated.c_str()) &&
         (::inet_pton(AF_INET, terminated.c_str(), ignored.data()) == 1 ||
          ::inet_pton(AF_INET6, terminated.c_str(), ignored.data()) == 1);
}

void Certificate::Free::operator()(x509_st* certificate) const { X509_free(certificate); }

Certificate Certificate::make_authority(const PrivateKey& key, std::string_view common_name, Time from,
                                        Time until) {
  Certificate made(new_certificate(key, common_name, from, until).release());
  X509* const self = made.certificate_.get();
  require(X509_set_issuer_name(self, X509_get_subject_name(self)) == 1, "set the issuer");
  add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(self, self, NID_subject_key_identifier, "hash");
  sign(self, key);
  return made;
}

Certificate Certificate::make_server(const PrivateKey& key, const ServerNames& names, Time from, Time until,
                                     const Certificate& issuer, const PrivateKey& issuer_key) {
  Certificate made(new_certificate(key, "Bulkhead server", from, until).release());
  X509* const self = made.certificate_.get();
  X509* const parent = issuer.certificate_.get();
  require(X509_set_issuer_name(self, X509_get_subject_name(parent)) == 1, "set the issuer");
  add_extension(self, parent, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(self, parent, NID_key_usage, "critical,digitalSignature");
  add_extension(self, parent, NID_ext_key_usage, "serverAuth");
  add_extension(self, parent, NID_subject_key_identifier, "hash");
  add_extension(self, parent, NID_authority_key_identifier, "keyid:always");
  add_subject_names(self, names);
  sign(self, issuer_key);
  return made;
}

std::optional<Certificate> Certificate::parse(std::string_view pem) {
  Certificate certificate(PEM_read_bio_X509(reader(pem).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (certificate.certificate_ == nullptr) return std::nullopt;
  return certificate;
}

std::string Certificate::pem() const {
  const BioPointer bio(BIO_new(BIO_s_mem()));
  require(bio != nullptr && PEM_write_bio_X509(bio.get(), certificate_.get()) == 1, "encode");
  return contents(bio.get());
}

std::string Certificate::sha256() const {
  std::array<unsigned char, 32> digest;
  require(X509_digest(certificate_.get(), EVP_sha256(), digest.data(), nullptr) == 1, "hash");
  return to_hex(std::as_bytes(std::span(digest)));
}

bool Certificate::belongs_to(const PrivateKey& key) const {
  const bool matches = X509_check_private_key(certificate_.get(), key.get()) == 1;
  ERR_clear_error();
  return matches;
}

bool Certificate::is_signed_by(const Certificate& issuer) const {
  X509* const parent = issuer.certificate_.get();
  const bool matches = X509_check_issued(parent, certificate_.get()) == X509_V_OK &&
                       X509_verify(certificate_.get(), X509_get0_pubkey(parent)) == 1;
  ERR_clear_error();
  return matches;
}

bool Certificate::is_valid_at(Time time) const {
  std::time_t seconds = to_time_t(time);
  // X509_cmp_time() answers 0 when the field does not parse.
  return X509_cmp_time(X509_get0_notBefore(certificate_.get()), &seconds) < 0 &&
         X509_cmp_time(X509_get0_notAfter(certificate_.get()), &seconds) > 0;
}

Time Certificate::valid_until() const {
  const TimePointer epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  require(epoch != nullptr &&
              ASN1_TIME_diff(&days, &seconds, epoch.get(), X509_get0_notAfter(certificate_.get())) == 1,
          "read the validity");
  return Time{std::chrono::days(days) + std::chrono::seconds(seconds)};
}

bool Certificate::covers(const ServerNames& names) const {
  constexpr unsigned kFlags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  return std::ranges::all_of(names.dns,
                             [&](const std::string& dns) {
                               return X509_check_host(certificate_.get(), dns.data(), dns.size(), kFlags,
                                                      nullptr) == 1;
                             }) &&
         std::ranges::all_of(names.addresses, [&](const std::string& address) {
           return X509_check_ip_asc(certificate_.get(), address.c_str(), 0) == 1;
         });
}

}  // namespace bulkhead::crypto

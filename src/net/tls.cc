#include "net/tls.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

namespace bulkhead::net {
namespace {

std::string openssl_reason() {
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  const char* reason = ::ERR_reason_error_string(code);
  return reason ? reason : "unknown error";
}

// A server has nobody to ask: without this OpenSSL would wait at the terminal for the key's password.
int refuse_password(char*, int, int, void*) { return -1; }

// Clients offer HTTP/2 too; this server speaks HTTP/1.1.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                    unsigned offered_length, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* selected = nullptr;
  if (::SSL_select_next_proto(&selected, out_length, kHttp11, sizeof kHttp11 - 1, offered, offered_length) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

std::string text_of(const ASN1_STRING* text) {
  unsigned char* utf8 = nullptr;
  const int length = ::ASN1_STRING_to_UTF8(&utf8, text);
  if (length < 0) return {};
  std::string out(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(length));
  ::OPENSSL_free(utf8);
  return out;
}

// The host names and addresses that clients compare (RFC 6125), or the common name of one without them.
std::string names_of(X509* certificate) {
  std::string names;
  const auto add = [&names](const std::string& name) { names += (names.empty() ? "" : ", ") + name; };
  const std::unique_ptr<GENERAL_NAMES, void (*)(GENERAL_NAMES*)> alternatives(
      static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      ::GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) add(text_of(name->d.dNSName));
    if (name->type != GEN_IPADD) continue;
    char shown[INET6_ADDRSTRLEN] = {};
    const int family = ::ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
    if (::inet_ntop(family, ::ASN1_STRING_get0_data(name->d.iPAddress), shown, sizeof shown) != nullptr)
      add(shown);
  }
  if (!names.empty()) return names;
  const X509_NAME* subject = ::X509_get_subject_name(certificate);
  const int at = ::X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  return text_of(::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(subject, at)));
}

Time time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (::ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return Time(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace

void SslFree::operator()(ssl_st* ssl) const { ::SSL_free(ssl); }

TlsContext::TlsContext(std::filesystem::path certificate, std::filesystem::path key)
    : certificate_(std::move(certificate)), key_(std::move(key)) {}

Result<std::unique_ptr<TlsContext>> TlsContext::open(std::filesystem::path certificate,
                                                     std::filesystem::path key) {
  std::unique_ptr<TlsContext> context(new TlsContext(std::move(certificate), std::move(key)));
  if (auto loaded = context->load(); !loaded) return loaded.error();
  return context;
}

Result<TlsContext::Stamp> TlsContext::stamp() const {
  std::error_code error;
  const auto certificate = std::filesystem::last_write_time(certificate_, error);
  if (error)
    return Error{Errc::not_found, fmt::format("cannot read {}: {}", certificate_.string(), error.message())};
  const auto key = std::filesystem::last_write_time(key_, error);
  if (error) return Error{Errc::not_found, fmt::format("cannot read {}: {}", key_.string(), error.message())};
  return Stamp{certificate, key};
}

Result<void> TlsContext::load() {
  const auto stamped = stamp();
  if (!stamped) return stamped.error();
  const std::shared_ptr<SSL_CTX> context(::SSL_CTX_new(::TLS_server_method()), ::SSL_CTX_free);
  if (!context) return Error{Errc::internal, fmt::format("cannot set up TLS: {}", openssl_reason())};
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_ENABLE_KTLS |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_default_passwd_cb(context.get(), refuse_password);
  ::SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);
  if (::SSL_CTX_use_certificate_chain_file(context.get(), certificate_.c_str()) != 1)
    return Error{Errc::invalid_argument,
                 fmt::format("cannot use the certificate {}: {}", certificate_.string(), openssl_reason())};
  if (::SSL_CTX_use_PrivateKey_file(context.get(), key_.c_str(), SSL_FILETYPE_PEM) != 1)
    return Error{Errc::invalid_argument,
                 fmt::format("cannot use the key {}: {}", key_.string(), openssl_reason())};
  if (::SSL_CTX_check_private_key(context.get()) != 1)
    return Error{Errc::invalid_argument,
                 fmt::format("{} is not the key of {}", key_.string(), certificate_.string())};
  const std::lock_guard lock(mutex_);
  context_ = context;
  loaded_ = *stamped;
  return {};
}

std::shared_ptr<SSL_CTX> TlsContext::in_use() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

CertificateInfo TlsContext::certificate() const {
  const std::shared_ptr<SSL_CTX> context = in_use();
  X509* certificate = ::SSL_CTX_get0_certificate(context.get());
  if (certificate == nullptr) return {};
  Time until = time_of(::X509_get0_notAfter(certificate));
  // Clients refuse it from the day on that one of those between it and its authority ends.
  STACK_OF(X509)* chain = nullptr;
  ::SSL_CTX_get0_chain_certs(context.get(), &chain);
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i)
    until = std::min(until, time_of(::X509_get0_notAfter(sk_X509_value(chain, i))));
  return {names_of(certificate), time_of(::X509_get0_notBefore(certificate)), until};
}

bool TlsContext::is_for(const std::string& host) const {
  const std::shared_ptr<SSL_CTX> context = in_use();
  X509* certificate = ::SSL_CTX_get0_certificate(context.get());
  return certificate != nullptr &&
         (::X509_check_host(certificate, host.data(), host.size(),
                            // Go's clients, and so all engines, do not look at the subject either.
                            X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1 ||
          ::X509_check_ip_asc(certificate, host.c_str(), 0) == 1);
}

bool TlsContext::key_is_open() const {
  std::error_code error;
  const auto status = std::filesystem::status(key_, error);
  return !error &&
         (status.permissions() & std::filesystem::perms::others_read) != std::filesystem::perms::none;
}

Result<bool> TlsContext::reload_if_changed() {
  const auto now = stamp();
  if (!now) return now.error();
  {
    const std::lock_guard lock(mutex_);
    if (*now == loaded_) return false;
  }
  if (auto loaded = load(); !loaded) return loaded.error();
  return true;
}

SslPointer TlsContext::accept(int socket) const {
  SslPointer ssl(::SSL_new(in_use().get()));
  if (!ssl || ::SSL_set_fd(ssl.get(), socket) != 1) return nullptr;
  ::SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace bulkhead::net

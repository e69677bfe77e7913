// libldap reads ldap.conf, ldaprc and LDAP* variables into its global options when it is first used, unless
// LDAPNOINIT is in the environment, which a process with threads cannot change safely. What it has read is
// only the starting point of each handle, so each handle gets every option again.
//
// With GnuTLS it trusts what is in one file. The system's authorities and ours are put together in a file
// that has no name (memfd_create(2)) and that is read when the context is made.
#include "ldap/options.h"

#include <fmt/format.h>
#include <ldap.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "base/bytes.h"
#include "base/file.h"

namespace bulkhead::ldap {
namespace {

constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";
constexpr std::size_t kMostAuthorityBytes = 16u << 20u;
constexpr std::string_view kCertificate = "-----BEGIN CERTIFICATE-----";

Error unavailable(std::string message) { return {Errc::unavailable, std::move(message)}; }

class Setter {
 public:
  explicit Setter(::ldap* handle) : handle_(handle) {}

  void number(int option, int value) { set(option, &value); }
  void text(int option, const char* value) { set(option, value); }
  void off(int option) { set(option, LDAP_OPT_OFF); }
  void on(int option) { set(option, LDAP_OPT_ON); }
  void time(int option, std::chrono::milliseconds value) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(value);
    const timeval time{seconds.count(), std::chrono::microseconds(value - seconds).count()};
    set(option, &time);
  }

  bool failed() const { return failed_ != 0; }
  int failed_option() const { return failed_; }

 private:
  void set(int option, const void* value) {
    if (::ldap_set_option(handle_, option, value) != LDAP_OPT_SUCCESS && failed_ == 0) failed_ = option;
  }

  ::ldap* handle_;
  int failed_ = 0;
};

Result<FileDescriptor> trusted_authorities(const std::filesystem::path& own) {
  std::string pem;
  if (auto system = read_file(kSystemAuthorities, kMostAuthorityBytes)) pem = std::move(*system) + "\n";
  if (!own.empty()) {
    auto text = read_file(own, kMostAuthorityBytes);
    if (!text) return unavailable(text.error().message);
    if (text->find(kCertificate) == std::string::npos)
      return unavailable(fmt::format("{} holds no certificate in PEM", own.string()));
    pem += *text;
  }
  FileDescriptor file(::memfd_create("authorities", MFD_CLOEXEC));
  if (!file.valid()) return system_error("create", "a file of authorities", errno);
  if (const auto written = write_all(file.get(), as_bytes(pem), "a file of authorities"); !written)
    return written.error();
  return file;
}

void set_general(Setter& set, std::chrono::milliseconds timeout) {
  set.number(LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3);
  set.off(LDAP_OPT_REFERRALS);
  set.number(LDAP_OPT_DEREF, LDAP_DEREF_NEVER);
  set.number(LDAP_OPT_SIZELIMIT, LDAP_NO_LIMIT);
  set.number(LDAP_OPT_TIMELIMIT, LDAP_NO_LIMIT);
  set.time(LDAP_OPT_TIMEOUT, timeout);
  set.time(LDAP_OPT_NETWORK_TIMEOUT, timeout);
  set.number(LDAP_OPT_TCP_USER_TIMEOUT, static_cast<int>(timeout.count()));
  set.on(LDAP_OPT_RESTART);
  set.off(LDAP_OPT_CONNECT_ASYNC);
  set.off(LDAP_OPT_KEEPCONN);
  set.text(LDAP_OPT_DEFBASE, "");
  set.text(LDAP_OPT_SOCKET_BIND_ADDRESSES, nullptr);
  for (const int option :
       {LDAP_OPT_X_KEEPALIVE_IDLE, LDAP_OPT_X_KEEPALIVE_PROBES, LDAP_OPT_X_KEEPALIVE_INTERVAL})
    set.number(option, 0);
}

void set_tls(Setter& set) {
  for (const int option :
       {LDAP_OPT_X_TLS_CACERTFILE, LDAP_OPT_X_TLS_CACERTDIR, LDAP_OPT_X_TLS_CERTFILE, LDAP_OPT_X_TLS_KEYFILE,
        LDAP_OPT_X_TLS_CRLFILE, LDAP_OPT_X_TLS_ECNAME, LDAP_OPT_X_TLS_PEERKEY_HASH, LDAP_OPT_X_TLS_DHFILE,
        // Naming one costs eight kilobytes for each connection, which libldap 2.5 forgets to free.
        LDAP_OPT_X_TLS_CIPHER_SUITE})
    set.text(option, nullptr);
  set.number(LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_DEMAND);
  set.number(LDAP_OPT_X_TLS_REQUIRE_SAN, LDAP_OPT_X_TLS_DEMAND);
  set.number(LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2);
  set.number(LDAP_OPT_X_TLS_PROTOCOL_MAX, LDAP_OPT_X_TLS_PROTOCOL_TLS1_3);
}

}  // namespace

Result<void> set_options(::ldap* handle, const Options& options, bool encrypted) {
  Setter set(handle);
  set_general(set, options.limits.timeout);
  set_tls(set);
  if (encrypted) {
    const auto authorities = trusted_authorities(options.authorities);
    if (!authorities) return authorities.error();
    set.text(LDAP_OPT_X_TLS_CACERTFILE, fmt::format("/proc/self/fd/{}", authorities->get()).c_str());
    set.number(LDAP_OPT_X_TLS_NEWCTX, 0);
  }
  if (set.failed())
    return unavailable(fmt::format("libldap does not take its option {:#x}", set.failed_option()));
  return {};
}

}  // namespace bulkhead::ldap

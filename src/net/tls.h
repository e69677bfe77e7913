// Server-side TLS over OpenSSL 3: TLS 1.2 and 1.3, the library's own choice of ciphers, kernel TLS where the
// machine has it, and certificates that are read again when their files change.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/error.h"

struct ssl_ctx_st;
struct ssl_st;

namespace bulkhead::net {

// What of a certificate people have to know.
struct CertificateInfo {
  std::string names;  // what it is made out to, with ", " between: text from outside
  Time not_before{};
  Time not_after{};
};

struct SslFree {
  void operator()(ssl_st* ssl) const;
};
using SslPointer = std::unique_ptr<ssl_st, SslFree>;

// Thread-safe.
class TlsContext {
 public:
  // PEM files, the key without a password; the certificate file holds the chain, leaf first.
  static Result<std::unique_ptr<TlsContext>> open(std::filesystem::path certificate,
                                                  std::filesystem::path key);

  // A server session on a connected, non-blocking socket; null when there is no memory for one.
  SslPointer accept(int socket) const;

  // Of the leaf that is in use.
  CertificateInfo certificate() const;
  // Whether clients take it for a host of this name or address (RFC 6125).
  bool is_for(const std::string& host) const;
  // Whether everybody on this machine may read the key's file.
  bool key_is_open() const;

  // Reads the files again if they have changed since they were last read; true when new ones are in use. On
  // an error the old certificate stays in use.
  Result<bool> reload_if_changed();

 private:
  using Stamp = std::pair<std::filesystem::file_time_type, std::filesystem::file_time_type>;
  TlsContext(std::filesystem::path certificate, std::filesystem::path key);
  Result<Stamp> stamp() const;
  Result<void> load();
  std::shared_ptr<ssl_ctx_st> in_use() const;

  const std::filesystem::path certificate_;
  const std::filesystem::path key_;
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_;
  Stamp loaded_;
};

}  // namespace bulkhead::net

// A certificate authority of this installation's own, for trying TLS out (`--tls auto`): clients trust ca.pem
// once, and the server certificate under it is renewed without them noticing. Not a replacement for a real
// CA: whoever reads ca.key can impersonate any host to those clients.
//
// In the directory (0700):
//   ca.pem      the authority's certificate, for clients
//   ca.key      its private key and its certificate, 0600; what ca.pem is restored from
//   server.pem  the server's certificate, then the authority's
//   server.key  the server's private key, 0600
//
// ECDSA P-256 throughout. One process at a time per directory: the caller holds the data directory's lock.
#pragma once

#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "crypto/certificate.h"

namespace bulkhead::crypto {

struct LocalCertificates {
  std::filesystem::path ca_certificate;
  std::filesystem::path certificate;  // with its chain
  std::filesystem::path private_key;
  std::string ca_fingerprint;  // SHA-256 of the CA certificate, lower-case hex
  bool ca_created = false;     // clients have to trust the new ca.pem
  // ca.key is gone: what is here is used as long as it lasts, and nothing more can be signed.
  bool authority_key_missing = false;
};

// Uses what the directory holds while it is valid for more than 30 days (from `now`) and covers the names;
// makes what is missing or no longer fits: an authority for 5 years, a server certificate for 90 days and no
// longer than the authority. A wrong name is Errc::invalid_argument. A ca.key that cannot be read is an error
// that names it, and is never overwritten; a server certificate or key that cannot be read is replaced. Where
// ca.key is missing beside a ca.pem that lasts, no other authority takes its place, which no client would
// trust: Errc::unavailable once something has to be signed.
Result<LocalCertificates> prepare_local_certificates(const std::filesystem::path& directory,
                                                     const ServerNames& names, Time now);

}  // namespace bulkhead::crypto

// The little of X.509 (RFC 5280) that local_ca needs, over OpenSSL 3: keys and certificates as values.
// A failing library call throws; text from outside that does not parse is an empty optional.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"

struct evp_pkey_st;
struct x509_st;

namespace bulkhead::crypto {

// Movable, not synchronised.
class PrivateKey {
 public:
  static PrivateKey generate();  // ECDSA P-256
  static std::optional<PrivateKey> parse(std::string_view pem);

  Secret<> pem() const;
  evp_pkey_st* get() const { return key_.get(); }

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  explicit PrivateKey(evp_pkey_st* key) : key_(key) {}
  std::unique_ptr<evp_pkey_st, Free> key_;
};

// What clients call a server by.
struct ServerNames {
  std::vector<std::string> dns;        // host names in ASCII, such as "localhost"
  std::vector<std::string> addresses;  // IPv4 or IPv6 in text, without brackets or port
};

// Whether a certificate can carry it: letters, digits, hyphens and underscores in labels of at most 63, 253
// in all.
bool is_dns_name(std::string_view text);
bool is_ip_address(std::string_view text);

class Certificate {
 public:
  // Self-signed, for signing server certificates only (pathlen 0).
  static Certificate make_authority(const PrivateKey& key, std::string_view common_name, Time from,
                                    Time until);
  // For TLS servers of these names, which are valid by the two functions above.
  static Certificate make_server(const PrivateKey& key, const ServerNames& names, Time from, Time until,
                                 const Certificate& issuer, const PrivateKey& issuer_key);
  // The first certificate in the text.
  static std::optional<Certificate> parse(std::string_view pem);

  std::string pem() const;
  std::string sha256() const;  // of the DER form, lower-case hex
  bool belongs_to(const PrivateKey& key) const;
  bool is_signed_by(const Certificate& issuer) const;
  bool is_valid_at(Time time) const;
  Time valid_until() const;
  bool covers(const ServerNames& names) const;

 private:
  struct Free {
    void operator()(x509_st* certificate) const;
  };
  explicit Certificate(x509_st* certificate) : certificate_(certificate) {}
  std::unique_ptr<x509_st, Free> certificate_;
};

}  // namespace bulkhead::crypto

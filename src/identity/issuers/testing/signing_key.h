// Key pairs of an issuer that tests make up: they sign, and show their public half as a JSON Web Key.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/public_key.h"

struct evp_pkey_st;

namespace bulkhead::identity::testing {

// Throws std::runtime_error when the library cannot.
class SigningKey {
 public:
  // RSA keys for RS256 and PS256 have 2048 bits, or as many as given.
  static SigningKey generate(crypto::SignatureAlgorithm algorithm, std::string key_id,
                             unsigned rsa_bits = 2048);

  // One of this process's own, made when it is first asked for: RSA keys take their time.
  static SigningKey shared_rsa(unsigned which, std::string key_id);

  const std::string& key_id() const { return key_id_; }
  crypto::SignatureAlgorithm algorithm() const { return algorithm_; }
  // As JWS carries it.
  std::string sign(std::string_view message) const;
  boost::json::object jwk() const;
  // In PEM: what the confusion of RS256 with HS256 takes for a shared key.
  std::string public_pem() const;

 private:
  SigningKey(crypto::SignatureAlgorithm algorithm, std::string key_id, std::shared_ptr<evp_pkey_st> key)
      : algorithm_(algorithm), key_id_(std::move(key_id)), key_(std::move(key)) {}

  crypto::SignatureAlgorithm algorithm_;
  std::string key_id_;
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace bulkhead::identity::testing

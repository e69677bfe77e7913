// JSON Web Tokens of other issuers (RFC 7519, with the advice of RFC 8725): of CI systems and of OpenID
// providers. Reading one happens in two steps, so that nothing of it is believed too early: parse() checks
// all that can be known without a key, verify() the signature.
//
// Key material in a header ("jwk", "jku", "x5u", "x5c") is not looked at, "crit" is refused, and so is every
// algorithm but those of crypto/public_key.h.
#pragma once

#include <boost/json/fwd.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "crypto/public_key.h"

namespace bulkhead::identity {

struct JwtLimits {
  std::size_t bytes = std::size_t{16} << 10;  // of the whole token; checked before anything else
  std::size_t audiences = 16;
  std::size_t values = 1024;        // of any kind, in the claims
  std::chrono::seconds leeway{30};  // between the issuer's clock and this one's
};

struct JwtClaims {
  std::string issuer;
  std::string subject;  // "" where there is none
  std::vector<std::string> audiences;
  std::string authorized_party;
  Time issued_at{};
  Time expires_at{};
  // Names this token among its issuer's, for single use: from "jti", or where there is none from what was
  // signed. The signature has no part in it, since one ECDSA signature makes another without the key.
  std::string once;
  std::shared_ptr<const boost::json::object> all;

  // `audience` is among the audiences, and where there are others too, the token was issued to it ("azp").
  bool is_for(std::string_view audience) const;
  // `audience` is among the audiences (RFC 7519 section 4.1.3), and where there are others too, the token
  // does not say that it was issued to one of those.
  bool names(std::string_view audience) const;
  // nullptr for an absent one. `name` is a claim's name or, when it begins with '/', a JSON Pointer (RFC
  // 6901) to one within objects, as in "/kubernetes.io/serviceaccount/uid".
  const boost::json::value* find(std::string_view name) const;
  // A claim as text: a string as it is, an integer in decimal, "true", "false". Nothing for other kinds and
  // for absent ones.
  std::optional<std::string> text(std::string_view name) const;
};

class UnverifiedJwt {
 public:
  // Errc::unauthenticated, with a message that depends on nothing but the token and the time: shape, size,
  // base64url and JSON in their strict forms, algorithm, "typ" (absent or JWT), "iss", "aud", "iat" and "exp"
  // there and of their types, "nbf" where it is there, and now between them.
  static Result<UnverifiedJwt> parse(std::string_view token, Time now, const JwtLimits& limits = {});

  // What to find the key by.
  const std::string& issuer() const { return claims_.issuer; }
  const std::string& key_id() const { return key_id_; }  // "" for none
  crypto::SignatureAlgorithm algorithm() const { return algorithm_; }

  // By one of the keys that it may have been signed with. Errc::unauthenticated.
  Result<JwtClaims> verify(std::span<const crypto::PublicKey> keys) const;

 private:
  UnverifiedJwt() = default;

  std::string key_id_;
  crypto::SignatureAlgorithm algorithm_{};
  std::string signed_part_;
  std::string signature_;
  JwtClaims claims_;
};

}  // namespace bulkhead::identity

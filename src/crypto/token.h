// Signed bearer tokens: JSON Web Tokens (RFC 7519) in the compact serialization of RFC 7515, with
// HMAC-SHA-256 under the keyring (HS256, RFC 7518 section 3.2) and nothing else. This registry is the only
// one that issues what it accepts, so the header has one spelling, byte for byte:
//
//   {"alg":"HS256","typ":"at+jwt","kid":"<key version>"}
//
// Whatever else a header may say (another algorithm, an embedded or linked key, `crit`) therefore never gets
// as far as being interpreted. Claims are interpreted elsewhere. Thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/keyring.h"

namespace bulkhead::crypto {

struct JwtLimits {
  std::size_t bytes = 8 * 1024;  // of the whole token; checked before anything else
};

// Signs with the purpose's current key. The claims are taken as they are: a JSON object in UTF-8. The token
// is about 4/3 of their size plus 120 bytes, and the caller keeps it within what verification accepts.
std::string sign_jwt(const Keyring& keyring, KeyPurpose purpose, std::string_view claims_json);

// The claims as they were signed, once the MAC is verified (in constant time) under the version that `kid`
// names. Any failure is Errc::unauthenticated with a message that repeats nothing of the token.
Result<std::string> verify_jwt(const Keyring& keyring, KeyPurpose purpose, std::string_view token,
                               JwtLimits limits = {});

}  // namespace bulkhead::crypto

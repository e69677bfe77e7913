// The claims of a bearer token (RFC 7519), in the one shape that this registry writes:
//
//   {"iss":"bulkhead","aud":"bulkhead","sub":"17","name":"alice","ver":3,"jti":"<32 hex digits>",
//    "iat":1767225600,"nbf":1767225600,"exp":1767225900,
//    "access":[{"type":"repository","name":"alice/app","actions":["pull","push"]}]}
//
// Every claim is there and of its type, or the token is none; "sub" and "name" are "" and "ver" is 0 for
// anonymous callers. One shape leaves nothing to interpret: no list of audiences, no fractions of seconds, no
// default expiry.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "access/scope.h"
#include "base/clock.h"
#include "base/error.h"

namespace bulkhead::access {

struct Claims {
  std::string issuer;
  std::string audience;
  std::int64_t account_id = 0;  // 0 for anonymous
  std::string account;
  std::int64_t credential_version = 0;
  std::string token_id;
  Time issued_at{};  // whole seconds, as are the next two
  Time not_before{};
  Time expires_at{};
  std::vector<Scope> scopes;
};

std::string render_claims(const Claims& claims);

// Errc::unauthenticated for anything but that shape. Claims of other names are passed over, and so are scopes
// of types and actions that this version does not know: they can only be permissions. Values are the caller's
// to judge.
Result<Claims> parse_claims(std::string_view json);

}  // namespace bulkhead::access

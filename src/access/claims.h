// The claims of a bearer token (RFC 7519), in the one shape that this registry writes:
//
//   {"iss":"bulkhead","aud":"bulkhead","sub":"17","name":"alice","ver":3,"jti":"<32 hex digits>",
//    "tok":4,"cap":"*","par":"","iat":1767225600,"nbf":1767225600,"exp":1767225900,
//    "access":[{"type":"repository","name":"alice/app","actions":["pull","push"]}]}
//
// Every claim is there and of its type, or the token is none; "sub" and "name" are "" and "ver" is 0 for
// anonymous callers. "tok" is the number of the access token that it was made with, or 0; such a token brings
// its own scopes. "cap" is what a bearer token made otherwise may do at most, whatever its account may: "*"
// for no such limit, or scopes with spaces between, each "n3:pull,push" (in namespace 3), "r7:pull" (in
// repository 7) or "*:pull" (everywhere). "par" is the "jti" of the bearer token that it was made with, or
// "". "many" is there when the scopes of repositories would be too long as "access" has them:
// access/scope.h's HashedScopes. One shape leaves nothing to interpret: no list of audiences, no fractions of
// seconds, no default expiry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/scope.h"
#include "base/clock.h"
#include "base/error.h"
#include "identity/login/token_scopes.h"

namespace bulkhead::access {

struct Claims {
  std::string issuer;
  std::string audience;
  std::int64_t account_id = 0;  // 0 for anonymous
  std::string account;
  std::int64_t credential_version = 0;
  std::string token_id;
  std::int64_t access_token_id = 0;
  std::optional<identity::TokenScopes> ceiling = std::nullopt;  // nothing: no limit
  std::string parent_id = {};
  Time issued_at{};  // whole seconds, as are the next two
  Time not_before{};
  Time expires_at{};
  std::vector<Scope> scopes;
  HashedScopes hashed = {};  // the scopes of repositories, when they are not among the former
};

std::string render_claims(const Claims& claims);

// Errc::unauthenticated for anything but that shape. Claims of other names are passed over, and so are scopes
// of types and actions that this version does not know: they can only be permissions. Values are the caller's
// to judge.
Result<Claims> parse_claims(std::string_view json);

}  // namespace bulkhead::access

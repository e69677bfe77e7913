// Which tokens of an issuer a trust accepts: claims and the values they must have.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "identity/issuers/jwt.h"

namespace bulkhead::identity {

// From a claim, named as JwtClaims::text() takes it, to its value: exact, but for '*', which stands for any
// run of characters, the empty one included.
using ClaimRule = std::map<std::string, std::string, std::less<>>;

inline constexpr std::size_t kMostClaims = 16;
inline constexpr std::size_t kLongestClaimName = 128;
inline constexpr std::size_t kLongestClaimValue = 512;

// Errc::invalid_argument for a rule that could accept what nobody meant. It must pin, without a '*', who the
// token is about: by a claim that holds an owner's or a project's never-reused id (workload_presets.h) or,
// where the issuer is not one that serves the whole world, by "sub". No value may consist of '*' alone.
Result<void> check_rule(std::string_view issuer, const ClaimRule& rule);

// Every claim is there and has its value. Time is at most the product of the lengths.
bool matches(const ClaimRule& rule, const JwtClaims& claims);

// The form in the database: a JSON object. Errc::corrupt for what is none.
std::string render_rule(const ClaimRule& rule);
Result<ClaimRule> parse_rule(std::string_view json);

}  // namespace bulkhead::identity

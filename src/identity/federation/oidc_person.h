// From the claims of an ID token and of userinfo to the person they describe (OpenID Connect Core 1.0
// sections 2 and 5.1).
#pragma once

#include <cstddef>

#include "base/error.h"
#include "identity/federation/external_person.h"
#include "identity/federation/login_provider.h"
#include "identity/issuers/jwt.h"

namespace bulkhead::identity {

inline constexpr std::size_t kLongestSubject = 255;  // Core section 2
inline constexpr std::size_t kLongestPersonClaim = 512;
inline constexpr std::size_t kMostExternalGroups = 1000;
inline constexpr std::size_t kLongestExternalGroup = 512;

// Whether a claim that is used is missing, so that the userinfo endpoint is worth asking (Core section 5.4);
// and whether one is that a log-in cannot do without: the name, or the groups.
bool lacks_something(const JwtClaims& claims, const OidcSettings& settings);
bool lacks_name_or_groups(const JwtClaims& claims, const OidcSettings& settings);

// `claims` are verified. Errc::denied, naming the claim, for a "sub" that is not what it should be. Of the
// others nothing keeps anybody out: one that is absent, of another type, too long or with control characters
// is empty. Groups are what of the claim is text: what is not cannot be any that matters here, and
// `groups_note` says that it was there. Of more than kMostExternalGroups the first count, and of those that
// are said to be elsewhere (distributed claims, Core section 5.6.2) none; `groups_complete` is false then.
// Without a groups claim in the settings groups do not matter.
//
// A second factor counts, where `settings` trust the provider with it, when "amr" (RFC 8176) holds "mfa", or
// methods of two different kinds out of what one knows (pwd, pin, kba), has (otp, hwk, swk, sc) and is (face,
// fpt, iris, retina, vbm): an "otp" or a "hwk" alone is one factor only. "sms" and "tel" do not count,
// because a telephone number can be taken over without its owner.
Result<ExternalPerson> person_of(const JwtClaims& claims, const OidcSettings& settings);

}  // namespace bulkhead::identity

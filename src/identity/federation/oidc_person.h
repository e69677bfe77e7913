// From an ID token's claims to the person they describe (OpenID Connect Core 1.0 sections 2 and 5.1).
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
inline constexpr std::size_t kLongestExternalGroup = 256;

// `claims` are verified. Errc::denied, naming the claim, for one that is not what it should be: of another
// type, too long, or with control characters. A claim that is absent or null is empty, but for "sub"; more
// groups than kMostExternalGroups are refused rather than cut, since what is cut off may be what admits
// somebody.
//
// A second factor counts, where `settings` trust the provider with it, when "amr" (RFC 8176) holds "mfa", or
// methods of two different kinds out of what one knows (pwd, pin, kba), has (otp, hwk, swk, sc) and is (face,
// fpt, iris, retina, vbm): an "otp" or a "hwk" alone is one factor only. "sms" and "tel" do not count,
// because a telephone number can be taken over without its owner.
Result<ExternalPerson> person_of(const JwtClaims& claims, const OidcSettings& settings);

}  // namespace bulkhead::identity

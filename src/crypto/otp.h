// One-time codes: HOTP (RFC 4226) and its time-based form TOTP (RFC 6238), with HMAC-SHA-1 as every
// authenticator app has it. SHA-1's collisions do not matter to HMAC.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/secret.h"

namespace bulkhead::crypto {

inline constexpr std::size_t kOtpSeedBytes = 20;  // RFC 4226 section 4, R6: 160 bits
inline constexpr unsigned kOtpDigits = 6;
inline constexpr std::int64_t kTotpPeriodSeconds = 30;

// `digits` decimal digits, 6 to 8 of them; other numbers are a bug and throw.
Secret<> hotp(Bytes seed, std::uint64_t counter, unsigned digits = kOtpDigits);

// The number of whole periods since 1970 (RFC 6238 section 4.2); 0 for times before.
std::int64_t totp_step(Time time);

// The newest of the steps `now - 1`, `now` and `now + 1` whose code this is (RFC 6238 section 5.2); the same
// time whether and where it matches. A caller that remembers the step refuses it and all before it later.
std::optional<std::int64_t> matching_totp_step(Bytes seed, std::string_view code, Time now);

}  // namespace bulkhead::crypto

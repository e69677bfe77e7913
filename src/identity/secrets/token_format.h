// How tokens that people and programs keep are written: a prefix that names their kind, 30 random base62
// characters (178 bits), and 6 base62 characters of CRC-32 over both. Secret scanners recognise a leaked one
// by its shape, and a mistyped one is refused without a look-up. The checksum is no protection: whoever
// guesses can compute it.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/secret.h"

namespace bulkhead::identity {

inline constexpr std::size_t kTokenRandom = 30;
inline constexpr std::size_t kTokenChecksum = 6;  // 62^6 > 2^32

inline constexpr std::string_view kPersonalTokenPrefix = "bhpat_";
inline constexpr std::string_view kRobotTokenPrefix = "bhrobot_";
inline constexpr std::string_view kSessionPrefix = "bhsession_";
inline constexpr std::string_view kInvitationPrefix = "bhinvite_";
inline constexpr std::string_view kSetupPrefix = "bhsetup_";
inline constexpr std::array kTokenPrefixes = {kPersonalTokenPrefix, kRobotTokenPrefix, kSessionPrefix,
                                              kInvitationPrefix, kSetupPrefix};

constexpr std::size_t token_length(std::string_view prefix) {
  return prefix.size() + kTokenRandom + kTokenChecksum;
}

// A fresh one. `prefix` ends in '_', as in "bhsetup_".
Secret<> make_token(std::string_view prefix);

// For what was given as a password and begins like one of these, which no password does: a sentence that says
// what it is and where it goes. "" for anything else.
std::string_view where_token_goes(std::string_view text);

// The shape and the checksum are right.
bool token_is_well_formed(std::string_view prefix, std::string_view token);

}  // namespace bulkhead::identity

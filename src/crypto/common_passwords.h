// The passwords that everyone guesses first. Not a list of what was ever breached, which would be gigabytes,
// but what an attacker tries in the first few thousand guesses that rate limits allow.
#pragma once

#include <string_view>

namespace bulkhead::crypto {

// Whether the password is, without regard to case (ASCII), one of the best-known, one of them with look-alike
// characters ("P@ssw0rd") or a few digits and signs around it ("welcome2024!"), or a pattern: repeated
// characters, runs of the alphabet, of digits or of neighbouring keys. Takes time linear in the length.
bool is_common_password(std::string_view password);

}  // namespace bulkhead::crypto

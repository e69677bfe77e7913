// Parameters for tests that hash passwords: the cheapest that are allowed, some 20 ms each.
#pragma once

#include "crypto/password.h"

namespace bulkhead::crypto {

constexpr PasswordParameters cheap_password_parameters() {
  return {.memory_kib = PasswordParameters::kLeastMemoryKib, .passes = PasswordParameters::kLeastPasses};
}

}  // namespace bulkhead::crypto

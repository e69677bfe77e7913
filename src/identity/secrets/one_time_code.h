// Codes as people type them.
#pragma once

#include "base/secret.h"

namespace bulkhead::identity {

// Without the spaces and hyphens that group its characters; cut to what no code is as long as.
Secret<> without_separators(const Secret<>& code);

// Six digits.
bool looks_like_totp(const Secret<>& bare_code);

}  // namespace bulkhead::identity

// Base32 (RFC 4648 section 6), as authenticator apps and people exchange secrets.
#pragma once

#include <string>

#include "base/bytes.h"

namespace bulkhead::crypto {

// Upper case, without padding. Leaves no other copy of the text in memory than the one it returns.
std::string to_base32(Bytes bytes);

}  // namespace bulkhead::crypto

// The code that a device shows and a person types (RFC 8628 section 6.1).
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::identity {

// The user code as the RFC's section 6.1 advises: eight letters of BCDFGHJKLMNPQRSTVWXZ. Takes small letters,
// dashes and spaces; Errc::invalid_argument.
Result<std::string> parse_user_code(std::string_view text);
// "WDJB-MJHT".
std::string show_user_code(std::string_view code);

Secret<> make_user_code();

}  // namespace bulkhead::identity

// What the browser says it asked the authenticator for (WebAuthn Level 2 section 5.8.1): the JSON that binds
// a signature to one ceremony, one challenge and one origin.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bulkhead::identity {

enum class Ceremony { registration, assertion };

// The challenge, as bytes, once the rest is right: the ceremony's type, one of the origins (compared byte for
// byte), not in another site's frame, no token binding. Members that the specification may add are passed
// over. Errc::invalid_argument.
Result<std::string> check_client_data(std::string_view json, Ceremony ceremony,
                                      std::span<const std::string> origins);

}  // namespace bulkhead::identity

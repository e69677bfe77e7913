// What the command line takes from the environment. Variables of settings (BULKHEAD_LISTEN …) are
// config/load.h's; these are about where commands go and as whom.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::cli {

// The settings in the environment, by variable, for config::Sources; BULKHEAD_CONFIG among them.
std::map<std::string, std::string> setting_variables();

// BULKHEAD_SERVER: the server that commands go to, as --server names it; "" where it is not set.
std::string server_variable();
// BULKHEAD_CA: a PEM file to trust, for a server that was not logged in to; "" where it is not set.
std::string ca_variable();
// BULKHEAD_TOKEN: an access token in place of a log-in, never kept. Errc::invalid_argument for another kind
// of token.
Result<std::optional<Secret<>>> token_variable();

// An access token as it was pasted: without the blanks and line ends around it. Errc::invalid_argument says
// what it is instead; `where` is where it was given.
Result<Secret<>> read_access_token(std::string_view pasted, std::string_view where);

}  // namespace bulkhead::cli

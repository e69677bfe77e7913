// Operator commands as clients of the management API: the same arguments, the same value for whoever prints
// it.
#pragma once

#include <boost/json/fwd.hpp>

#include "base/error.h"
#include "cli/api_client.h"

namespace bulkhead::cli {

using RemoteCommand = Result<boost::json::value> (*)(ApiClient& client, const boost::json::object& command);

// nullptr for a command that works on the server's machine only.
RemoteCommand find_remote_command(const boost::json::object& command);

}  // namespace bulkhead::cli

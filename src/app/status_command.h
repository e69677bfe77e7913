// What a running server tells its operator of itself.
#pragma once

#include <boost/json/fwd.hpp>

#include "app/arguments.h"
#include "app/installation.h"
#include "base/error.h"

namespace bulkhead::app {

// {"pid", "version", "started_at", "data", "address", "engine", "url", "authority", "open_files_limit",
// "disk": {"total_bytes", "free_bytes", "reserve_bytes"}}. The URL is where clients reach it, "" where nobody
// knows; the authority a PEM file to trust for it, or "".
Result<boost::json::value> server_status(Installation& installation, Arguments& arguments);

}  // namespace bulkhead::app

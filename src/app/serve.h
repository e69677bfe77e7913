// The server's life: start, say where it is, keep house, stop without dropping transfers.
#pragma once

#include "base/error.h"
#include "config/settings.h"

namespace bulkhead::app {

// Returns when the server has been told to stop (SIGTERM, SIGINT) and has. `program` is how the user called
// this program, for the commands that it prints.
Result<void> serve(const config::Settings& settings, const std::string& program);

}  // namespace bulkhead::app

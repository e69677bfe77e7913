// The server's life: start, say where it is, keep house, stop without dropping transfers.
#pragma once

#include <string>

#include "base/error.h"
#include "config/settings.h"

namespace bulkhead::app {

struct ServeOptions {
  std::string program;           // how the user called this program, for the commands that it prints
  bool accept_new_keys = false;  // installation.h
};

// Returns when the server has been told to stop (SIGTERM, SIGINT) and has.
Result<void> serve(const config::Settings& settings, const ServeOptions& how);

}  // namespace bulkhead::app

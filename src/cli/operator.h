// The way from the command line to the data: through the running server's local socket, or, when no server
// runs, by opening the data directory in this process.
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>

#include "app/installation.h"
#include "base/error.h"
#include "base/log.h"
#include "config/settings.h"

namespace bulkhead::cli {

// Keeps the connection to the server, or the opened data directory, over several commands.
class Operator {
 public:
  explicit Operator(const config::Settings& settings)
      : settings_(settings), log_(LogLevel::warning, LogFormat::text) {}
  Result<boost::json::value> run(const boost::json::object& command);

 private:
  const config::Settings& settings_;
  Log log_;
  std::unique_ptr<app::Installation> opened_;
};

}  // namespace bulkhead::cli

// The way from the command line to the data: through the running server's local socket, or, when no server
// runs, by opening the data directory in this process.
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>
#include <optional>

#include "app/installation.h"
#include "base/error.h"
#include "base/log.h"
#include "config/settings.h"

namespace bulkhead::cli {

// Keeps the connection to the server, or the opened data directory, over several commands.
//
// No command makes an installation where there is none (Errc::not_found says so), but the one that makes the
// first account: an administrator, or anybody where the data was `named` by whoever typed it. Its arguments
// are looked at first, so that a refusal leaves nothing.
class Operator {
 public:
  Operator(const config::Settings& settings, bool named)
      : settings_(settings), named_(named), log_(LogLevel::warning, LogFormat::text) {}
  Result<boost::json::value> run(const boost::json::object& command);
  // Of a running server; nothing where none runs.
  Result<std::optional<boost::json::value>> ask(const boost::json::object& command);

 private:
  Result<void> open(const boost::json::object& command);

  const config::Settings& settings_;
  bool named_;
  Log log_;
  std::unique_ptr<app::Installation> opened_;
};

}  // namespace bulkhead::cli

// The way from the command line to the data: through the running server's local socket, or, when no server
// runs, by opening the data directory in this process.
#pragma once

#include <boost/json/fwd.hpp>
#include <filesystem>

#include "app/installation.h"
#include "base/error.h"
#include "config/settings.h"
#include "http/server.h"

namespace bulkhead::app {

// <data>/control.sock, or an equivalent path that fits a socket address when the directory's is too long.
class ControlSocket {
 public:
  static Result<ControlSocket> in(const std::filesystem::path& data);
  const std::filesystem::path& path() const { return path_; }

 private:
  FileDescriptor directory_;
  std::filesystem::path path_;
};

// What the server answers on that socket.
http::Hooks control_hooks(Installation& installation);

// Keeps the connection to the server, or the opened data directory, over several commands.
class Operator {
 public:
  explicit Operator(const config::Settings& settings)
      : settings_(settings), log_(LogLevel::warning, LogFormat::text) {}
  Result<boost::json::value> run(const boost::json::object& command);

 private:
  const config::Settings& settings_;
  Log log_;
  std::unique_ptr<Installation> opened_;
};

}  // namespace bulkhead::app

// The local socket on which a running server takes its operator's commands.
#pragma once

#include <filesystem>
#include <string>

#include "app/installation.h"
#include "base/error.h"
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

// The operating system's name for who runs this process.
std::string local_user();

}  // namespace bulkhead::app

// The server that is logged in to, as the registry that import and export work with: by an access token that
// is made for it and ends with it.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "base/error.h"
#include "cli/command_line.h"
#include "transfer/registry_client.h"

namespace bulkhead::cli {

class TransferServer {
 public:
  // `actions`: what the token is for, "pull" or both. `purpose` is its name, for whoever lists tokens.
  // Errc::unauthenticated where nobody is logged in.
  static Result<std::unique_ptr<TransferServer>> open(const CommandLine& line, const std::string& purpose,
                                                      bool pushes, const transfer::Stop& stop);
  // Revokes the token; standard error says what to do where that fails.
  ~TransferServer();

  transfer::RegistryClient& registry() { return *registry_; }
  ApiClient& api() { return *server_.client; }
  const std::string& url() const { return server_.url; }
  const std::string& name() const { return server_.name; }  // of whoever is logged in

 private:
  explicit TransferServer(RemoteServer server) : server_(std::move(server)) {}

  RemoteServer server_;
  std::int64_t token_ = 0;
  std::unique_ptr<transfer::RegistryClient> registry_;
};

// Sets `stop` at the first SIGINT or SIGTERM, so that what is under way ends in order; a second one ends the
// process as it always does. In place before threads are started.
class StopAtSignal {
 public:
  explicit StopAtSignal(transfer::Stop& stop);
  ~StopAtSignal();

 private:
  std::jthread thread_;
};

}  // namespace bulkhead::cli

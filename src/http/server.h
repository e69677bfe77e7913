// The HTTP/1.1 server: accepts connections on every event loop, reads requests, calls the handler and writes
// its answers, within the limits. Keep-alive and pipelining (one request at a time per connection, in order).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "async/loops.h"
#include "async/offload.h"
#include "base/error.h"
#include "base/log.h"
#include "http/exchange.h"
#include "http/limits.h"
#include "http/response.h"
#include "net/tls.h"

namespace bulkhead::http {

struct Hooks {
  // Answers a request. An exception from it is logged and answered by `refuse` with 500.
  std::function<async::Task<Response>(Exchange&)> handle;
  // Renders what the protocol layer itself refuses: no request that handle() has seen, or one that it threw
  // at.
  std::function<Response(Exchange&, unsigned status, std::string_view message)> refuse;
  // After each answer: for metrics and logs. Must not block.
  std::function<void(const Exchange&, unsigned status, std::chrono::nanoseconds took, std::uint64_t sent)>
      observe;
};

struct Counters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};  // over a connection limit
  std::atomic<std::uint64_t> open{0};
};

class Server {
 public:
  // All must outlive this. `tls` may be null.
  Server(async::Loops& loops, async::OffloadPool& files, Limits limits, Hooks hooks,
         const net::TlsContext* tls, Log& log);
  // stop() must have returned and the loops must have ended.
  ~Server();

  // Whether listen() would go well now. Leaves nothing open.
  static Result<void> may_listen(std::string_view address);
  // Before the loops start. "127.0.0.1:5000", "[::1]:5000"; port 0 picks one. Errc::unavailable when it is
  // taken.
  Result<std::uint16_t> listen(std::string_view address);
  // A Unix socket that only this user may connect to; requests have the address "local". Replaces a socket at
  // that path. Errc::invalid_argument when the path is too long for one.
  Result<void> listen_local(const std::filesystem::path& path);

  // Closes the listeners and idle connections; requests under way may finish until the deadline. Blocks; the
  // loops must run, and it is not for them to call.
  void stop(std::chrono::milliseconds deadline);

  const Counters& counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::http

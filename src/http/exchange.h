// One request on its way to its answer: what a handler sees. Lives on one event loop, for the length of the
// handler's coroutine.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/error.h"
#include "http/body_memory.h"
#include "http/chunked.h"
#include "http/limits.h"
#include "http/parser.h"
#include "http/request.h"
#include "net/stream.h"

namespace bulkhead::http {

// The connection's bytes that have arrived and not been used.
struct InputBuffer {
  std::string bytes;
  std::size_t begin = 0;  // used up to here
  std::string_view unread() const { return std::string_view(bytes).substr(begin); }
};

class Exchange {
 public:
  Exchange(const Limits& limits, net::Stream& stream, RequestParser& parser, InputBuffer& input,
           std::string_view address);

  const Request& request() const { return parser_.request(); }
  // The client's IP address, or "local" on the operators' socket.
  std::string_view address() const { return address_; }
  // When a trusted proxy says whom it stands for.
  void set_address(std::string address) {
    forwarded_ = std::move(address);
    address_ = forwarded_;
  }
  bool encrypted() const { return stream_.encrypted(); }
  // Where the client has reached this server, as "192.0.2.2:5000" or "[2001:db8::1]:5000"; "" on a local
  // socket.
  std::string reached_at() const { return stream_.local_endpoint(); }

  // The body's next bytes, 0 at its end. Tells a waiting client to go on (100 Continue) at the first call:
  // decide before you read. Errc::timeout when it is too slow; Errc::interrupted when it ends early;
  // Errc::invalid_argument when its chunks are malformed. An error is final: later calls repeat it.
  async::Task<Result<std::size_t>> read_body(std::span<std::byte> into);
  // The same, but no longer than `pause` for a client that is silent: then 0, and paused().
  async::Task<Result<std::size_t>> read_body(std::span<std::byte> into, std::chrono::milliseconds pause);
  bool paused() const { return paused_; }
  // The whole body; Errc::too_large past `limit`, before reading when the length is stated. Memory is taken
  // as it arrives; `lease`, which lives as long as the body, counts it, and its refusals are this call's.
  async::Task<Result<std::string>> read_all(std::size_t limit, BodyMemory::Lease* lease = nullptr);

  // Bytes of the next request that were read with the end of this one's body.
  std::string_view leftover() const { return leftover_.empty() ? input_.unread() : leftover_; }

  bool body_done() const { return body_done_; }
  bool body_started() const { return body_started_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  // For logs, metrics and evidence; set by the handler. `route` must be a constant.
  std::string_view route = "other";
  std::string request_id;
  std::string account;
  std::string failure;  // what the answer does not say

 private:
  async::Task<Result<std::size_t>> read_within_rate(std::span<std::byte> into);
  async::Task<Result<std::size_t>> read_chunked(std::span<std::byte> into);
  async::Task<Result<std::size_t>> read_sized(std::span<std::byte> into);

  const Limits& limits_;
  net::Stream& stream_;
  RequestParser& parser_;
  InputBuffer& input_;
  ChunkedDecoder chunks_;
  std::string leftover_;  // not in input_, where the head's views must stay valid
  std::string forwarded_;
  std::string_view address_;
  bool body_started_ = false;
  bool body_done_ = false;
  std::optional<std::chrono::milliseconds> pause_;  // of the read under way
  bool paused_ = false;
  std::optional<Error> failure_;
  std::uint64_t body_bytes_ = 0;
  std::chrono::nanoseconds window_{0};  // time spent waiting for the client since the rate was last looked at
  std::uint64_t window_bytes_ = 0;
};

}  // namespace bulkhead::http

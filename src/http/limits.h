// Every bound of the HTTP server, with its default; settings of the same names set them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bulkhead::http {

struct Limits {
  std::size_t header_bytes = 32 * 1024;            // request line and headers together: 431
  std::size_t target_bytes = 28 * 1024;            // the request target: 414
  std::size_t headers = 100;                       // 431
  std::chrono::milliseconds header_timeout{5000};  // from a request's first byte to its last header: 408
  std::chrono::milliseconds idle_timeout{60'000};  // between requests, and for a reader that takes nothing
  std::uint64_t body_rate = 1024;                  // bytes a second over body_grace, else 408
  std::chrono::milliseconds body_grace{30'000};
  std::size_t connections = 20'000;  // more: closed at once
  std::size_t connections_per_address = 10'000;
  // How long, and how much, a client that was answered early may go on sending before the connection is
  // reset.
  std::chrono::milliseconds linger{5000};
  std::uint64_t linger_bytes = 256ull << 20;
  // Strict-Transport-Security (RFC 6797) in answers over TLS; 0 for none.
  std::chrono::seconds hsts{0};
};

}  // namespace bulkhead::http

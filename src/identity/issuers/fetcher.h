// What identity asks of other people's servers: one request, one bounded answer. The program's own (in app)
// speaks HTTPS, refuses addresses that are not public and follows no redirect; tests answer by themselves.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::identity {

struct FetchRequest {
  std::string url;
  // An application/x-www-form-urlencoded body, sent with POST; GET without one.
  std::optional<Secret<>> form = std::nullopt;
  Secret<> authorization = {};                        // the header's value; "" for none
  std::size_t largest_body = std::size_t{256} << 10;  // a longer one is an error
};

struct FetchAnswer {
  unsigned status = 0;
  std::string body;
};

class Fetcher {
 public:
  virtual ~Fetcher() = default;
  // Blocks, for a bounded time. Thread-safe. Errc::unavailable when the server cannot be asked, Errc::denied
  // for an address that must not be, Errc::too_large for too long an answer. Any status is an answer,
  // redirects too.
  virtual Result<FetchAnswer> fetch(const FetchRequest& request) = 0;
};

}  // namespace bulkhead::identity

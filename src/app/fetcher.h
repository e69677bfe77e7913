// Gives identity, which knows nothing of HTTP, the outbound client.
#pragma once

#include <atomic>
#include <cstdint>

#include "http/client.h"
#include "identity/issuers/fetcher.h"

namespace bulkhead::app {

class HttpFetcher final : public identity::Fetcher {
 public:
  // `client` must outlive this.
  explicit HttpFetcher(http::OutboundClient& client) : client_(client) {}
  Result<identity::FetchAnswer> fetch(const identity::FetchRequest& request) override;
  // Requests that got no answer.
  std::uint64_t failures() const { return failures_; }

 private:
  http::OutboundClient& client_;
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace bulkhead::app

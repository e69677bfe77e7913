// Gives identity, which knows nothing of HTTP, the outbound client.
#pragma once

#include "http/client.h"
#include "identity/issuers/fetcher.h"

namespace bulkhead::app {

class HttpFetcher final : public identity::Fetcher {
 public:
  // `client` must outlive this.
  explicit HttpFetcher(http::OutboundClient& client) : client_(client) {}
  Result<identity::FetchAnswer> fetch(const identity::FetchRequest& request) override;

 private:
  http::OutboundClient& client_;
};

}  // namespace bulkhead::app

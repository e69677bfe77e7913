// The whole HTTP surface: routes a request to its handler, names it with a request id, and keeps the metrics
// and the request log. One object serves all event loops.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "api/handlers.h"
#include "api/login/login_pages.h"
#include "api/management/authenticator.h"
#include "api/management/management.h"
#include "api/metrics.h"
#include "api/outcomes.h"
#include "api/services.h"
#include "http/server.h"

namespace bulkhead::api {

class Api {
 public:
  // `services` and `options` must outlive this.
  Api(const Services& services, const Options& options);

  // What an http::Server calls.
  http::Hooks hooks();
  Metrics& metrics() { return metrics_; }

  // After this /readyz fails, so that a load balancer turns away before the listener closes.
  void stop_being_ready() { ready_ = false; }

 private:
  async::Task<http::Response> handle(http::Exchange& exchange);
  async::Task<http::Response> dispatch(http::Exchange& exchange, const Route& route);
  async::Task<http::Response> registry(http::Exchange& exchange, const Route& route);
  async::Task<http::Response> base(http::Exchange& exchange, const Caller& caller) const;
  async::Task<http::Response> ready(http::Exchange& exchange) const;
  // An answer that is held in memory counts by whom it is for, until they have it: Errc::rate_limited or
  // Errc::unavailable where too much is under way.
  Result<void> count(const http::Exchange& exchange, http::Response& response);
  http::Response show(const http::Exchange& exchange, const Route& route) const;
  http::Response scrape(const http::Exchange& exchange) const;
  void observe(const http::Exchange& exchange, unsigned status, std::chrono::nanoseconds took,
               std::uint64_t sent);
  std::string next_request_id();
  void look_behind_proxies(http::Exchange& exchange) const;

  const Services& services_;
  const Options& options_;
  Gate gate_;
  TransferMemory transfers_;
  http::BodyMemory bodies_;
  http::BodyMemory answers_;
  Deps deps_;
  ManifestHandler manifests_;
  BlobHandler blobs_;
  UploadHandler uploads_;
  ListHandler lists_;
  TokenHandler tokens_;
  management::CredentialAuthenticator authenticator_;
  management::Management management_;
  LoginPages login_;
  Metrics metrics_;
  Outcomes outcomes_;
  std::atomic<bool> ready_{true};
  const std::string request_prefix_;
  std::atomic<std::uint64_t> requests_{0};
};

}  // namespace bulkhead::api

// /api/v1: finds the operation, learns who calls, reads the body, and has the rest done on the offload pools.
// One object serves all event loops.
#pragma once

#include <string>
#include <string_view>

#include "api/management/caller.h"
#include "api/management/perform.h"
#include "api/management/router.h"
#include "api/services.h"
#include "async/task.h"
#include "http/exchange.h"
#include "http/response.h"

namespace bulkhead::api::management {

class Management {
 public:
  // All must outlive this.
  Management(const Services& services, const Options& options, Authenticator& authenticator,
             http::BodyMemory& bodies);

  // `path` is below /api/v1, as sent.
  async::Task<http::Response> handle(http::Exchange& exchange, std::string_view path);

 private:
  // Who calls, or the answer to send instead.
  async::Task<std::variant<ManagementCaller, http::Response>> authenticate(http::Exchange& exchange,
                                                                           const Operation& operation,
                                                                           const audit::Origin& origin) const;
  // Whether the credential reaches as far as the operation; the refusal when it does not.
  std::optional<http::Response> out_of_reach(const Operation& operation, const ManagementCaller& caller,
                                             std::string_view instance) const;

  async::Task<Result<http::Response>> perform(const http::Exchange& exchange, const Operation& operation,
                                              Incoming& incoming);

  const Services& services_;
  const Options& options_;
  Authenticator& authenticator_;
  http::BodyMemory& bodies_;
  const Router router_;
  Performer performer_;
};

}  // namespace bulkhead::api::management

// /login: where people log in with an OpenID provider in their browser, and say yes to a command line that
// asks for them.
//
//   GET  /login              the providers there are
//   GET  /login/PROVIDER     to the provider
//   GET  /login/callback/PROVIDER   back from it
//   GET  /login/device       the code that a command line shows, and then the question
//   POST /login/device       its answer
//
// A request is tied to the browser by a cookie (the binder), so that nobody can have somebody else's browser
// finish their own log-in. One object serves all event loops.
#pragma once

#include <string>
#include <string_view>

#include "api/login/browser.h"
#include "api/services.h"
#include "async/task.h"
#include "http/exchange.h"
#include "http/response.h"

namespace bulkhead::api {

class LoginPages {
 public:
  // All must outlive this.
  LoginPages(const Services& services, const Options& options, http::BodyMemory& bodies)
      : services_(services), options_(options), host_(host_of(options.public_url)), bodies_(bodies) {}

  // `path` is below /login, as sent.
  async::Task<http::Response> handle(http::Exchange& exchange, std::string_view path);

 private:
  async::Task<http::Response> choose(http::Exchange& exchange) const;
  async::Task<http::Response> depart(http::Exchange& exchange, const std::string& provider,
                                     const std::string& origin) const;
  async::Task<std::string> known_provider(const http::Exchange& exchange, const std::string& name) const;
  async::Task<http::Response> callback(http::Exchange& exchange, const std::string& provider,
                                       const std::string& origin) const;
  async::Task<http::Response> ask(http::Exchange& exchange) const;
  async::Task<http::Response> answer(http::Exchange& exchange, const std::string& origin) const;

  const Services& services_;
  const Options& options_;
  const std::string_view host_;  // in the options
  http::BodyMemory& bodies_;
};

}  // namespace bulkhead::api

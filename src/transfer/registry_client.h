// One registry, by the OCI distribution specification 1.1: requests with authorization, tried again where
// that can help, no sooner than the registry says. Thread-safe; each request that is under way has a
// connection of its own, and what is free is used again.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "transfer/authenticator.h"
#include "transfer/connection.h"

namespace bulkhead::transfer {

struct RegistryOptions {
  std::string url;        // "https://registry.example.com", without a path
  std::string authority;  // a PEM file to trust, or ""
  Access access;
  int attempts = 6;
};

class RegistryClient {
 public:
  // `stop` must outlive it.
  RegistryClient(RegistryOptions options, const Stop& stop);

  const std::string& url() const { return url_; }

  enum class Again : std::uint8_t { always, refused };  // also after a broken connection; only when refused
  // `request.url` begins with '/' for what is below url(). An answer is what the registry has to say for
  // good: anything but 401, 429 and what a server says that cannot answer just now. Errc::rate_limited for
  // one that wants to be left alone for more than two minutes; after three requests in a row that got no
  // answer all others fail at once.
  Result<Answer> send(Request request, const std::string& scope, Again again = Again::always);

  // "repository:NAME:pull"; "pull,push".
  static std::string scope_of(std::string_view repository, std::string_view actions);
  // What an answer that is not wanted says, as an Error that begins with `what`.
  Error refusal(const Answer& answer, std::string_view what) const;

 private:
  class Lent;
  using Clock = std::chrono::steady_clock;
  Result<Answer> authorized(Request& request, const std::string& scope, Connection& connection);
  Result<void> wait_for_turn();
  void put_off(std::chrono::milliseconds pause);
  void note(const Result<Answer>& outcome);

  const std::string url_;
  const std::string authority_;
  const int attempts_;
  const Stop& stop_;
  Authenticator authenticator_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> free_;
  Clock::time_point not_before_{};
  int in_vain_ = 0;  // requests in a row
  std::string last_failure_;
};

}  // namespace bulkhead::transfer

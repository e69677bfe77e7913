// How requests to one registry are authorized: with nothing, with Basic, or with tokens of its token service
// (Docker token protocol), which are kept for each scope until they run out. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "transfer/connection.h"

namespace bulkhead::transfer {

struct Credentials {
  std::string name;  // "" for nobody
  Secret<> password;
};

// Who asks, and where.
struct Access {
  Credentials credentials;
  // Where the token service may be, beside the registry's own host: what a registry answers must not choose
  // who is given a password, or asked for a token. Those of Docker Hub and GitLab.com are known.
  std::vector<std::string> token_hosts = {};
  // Where it is, whatever the registry answers; "" for as it answers.
  std::string token_service = {};
  // Name and password go with each request, as Basic: for an API that does not ask for them.
  bool unasked = false;
};

class Authenticator {
 public:
  Authenticator(std::string registry_url, Access access);

  // The header's value for a request of this scope ("repository:NAME:pull", several by spaces); "" where
  // none is known to be asked for. Asks the token service once it is known which.
  Result<Secret<>> authorization(const std::string& scope, Connection& connection);
  // Learns from a 401 what to send. Errc::unauthenticated where that cannot be done: then asking again is of
  // no use.
  Result<void> challenged(const Answer& answer, const std::string& scope, Connection& connection);

  bool anonymous() const { return access_.credentials.name.empty(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Token {
    Secret<> text;
    Clock::time_point until;
  };
  struct Service {
    std::string realm;
    std::string service;
  };
  Result<void> fetch(const Service& service, const std::string& scope, Connection& connection);
  Result<void> check_realm(const std::string& realm) const;
  Secret<> basic() const;

  const std::string url_;
  const Access access_;
  std::mutex mutex_;
  bool uses_basic_;
  std::optional<Service> service_;
  std::map<std::string, Token> tokens_;
};

}  // namespace bulkhead::transfer

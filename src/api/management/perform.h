// Carries out one request of the management API: permission, input, conditions, idempotency, handler, answer.
// Blocking; thread-safe. Knows nothing of connections.
#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <string>

#include "api/management/change_rate.h"
#include "api/management/idempotency.h"
#include "api/management/operation.h"
#include "api/management/router.h"
#include "base/keyed_hash.h"
#include "http/response.h"

namespace bulkhead::api::management {

// A request whose caller is known and whose body has been read.
struct Incoming {
  Router::Match match;
  std::string path;  // below /api/v1, as sent
  std::string query;
  std::string content_type;
  std::optional<std::string> if_match;
  std::optional<std::string> if_none_match;
  std::optional<std::string> idempotency_key;
  Secret<> body;
  ManagementCaller caller;
  audit::Origin origin;
  bool may_wait = true;             // for other servers
  std::string browser_origin = {};  // as Call has it
};

class Performer {
 public:
  // All must outlive this.
  Performer(const Services& services, const Options& options, const Router& router);

  // Which other server it will wait for. Blocks, but for the database alone.
  Wait wait_of(const Incoming& incoming) const;
  http::Response perform(Incoming& incoming);
  // The evidence of a refusal: who, what, and on what: the names in the path, of a body the fields that it
  // would have set, and why (access/decide.h, "" where that is not known). Does not block.
  void journal_denial(const Incoming& incoming, std::string_view why,
                      const boost::json::object& body = {}) const;

 private:
  http::Response answer(const Incoming& incoming, Call& call);
  // The answer to a request whose condition does not hold.
  std::optional<http::Response> check_condition(const Incoming& incoming, const Call& call);
  http::Response create(const Incoming& incoming, Call& call);
  http::Response replay(const Incoming& incoming, const Call& call, const std::string& resource);
  // `created` is given the location of what was made; it stays empty when nothing was.
  http::Response run(const Incoming& incoming, Call& call, std::optional<std::string>* created = nullptr);
  http::Response render(const Incoming& incoming, const Call& call, Reply reply);
  // Errc::rate_limited, when the caller has made as many changes as anybody without a system role may.
  Result<void> count(const Operation& operation, const ManagementCaller& caller);
  // The one place where an outcome that is an error becomes an answer: what was refused leaves its evidence
  // here, whichever step refused it.
  http::Response failed(const Incoming& incoming, const Call& call, const Error& error);

  const Services& services_;
  const Options& options_;
  const Router& router_;
  IdempotencyKeys keys_;
  ChangeRate changes_;
  // Held from the check of a condition to the end of the change, by path: two changes made for the same state
  // are not both made.
  KeyedHash path_hash_;  // nobody chooses with whom they wait
  std::array<std::mutex, 64> changing_;
};

}  // namespace bulkhead::api::management

// Who is asking, and whether they may: the Authorization header, the challenge, and access/'s decision.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "access/tokens.h"
#include "api/route.h"
#include "api/services.h"
#include "async/fair_pool.h"
#include "async/offload.h"
#include "async/task.h"
#include "http/exchange.h"
#include "http/response.h"
#include "registry/context.h"

namespace bulkhead::api {

// RFC 7617: the user name and password of a Basic credential. Errc::unauthenticated when malformed.
struct BasicCredentials {
  std::string name;
  Secret<> password;
};
Result<BasicCredentials> parse_basic(std::string_view encoded);

// "Bearer x" -> {"bearer", "x"}: the scheme lower-cased, the rest trimmed; nullopt when there is no scheme.
struct Authorization {
  std::string scheme;
  std::string_view value;
};
std::optional<Authorization> parse_authorization(std::string_view header);

// What evidence keeps of a User-Agent header.
inline constexpr std::size_t kUserAgentBytes = 256;

// Whom a body in memory is counted with (http/body_memory.h): who owns the account that the exchange is for,
// or the network that it comes from.
http::BodyMemory::Holder holder_of(const http::Exchange& exchange);

// Whose log-in it will be: an account's of this installation, or a person's at the provider; "" for not
// known.
struct LogInOf {
  std::string_view account = {};
  std::string_view provider = {};
};

// Where a log-in waits (async/fair_queue.h): strangers by their networks, those who log in where they were
// before first of all, and so whoever is logged in already.
async::Place place_of(const http::Exchange& exchange, const Services& services, const LogInOf& who = {});

// On the pool of local work, where accounts take turns, robots in their owner's place, and beside them
// strangers by their networks: nobody waits behind all that one asks for. What `work` refers to must outlive
// it.
async::Place place_at_work(const http::Exchange& exchange);
template <class Work>
async::Task<std::invoke_result_t<Work&>> at_work(const http::Exchange& exchange, const Services& services,
                                                 Work work) {
  auto seat = services.work.seat(place_at_work(exchange));
  co_return co_await async::offload(seat, std::move(work));
}

// These have constructors because GCC 12 destroys aggregate temporaries in co_return expressions twice.
struct Caller {
  Caller() = default;
  Caller(std::shared_ptr<const access::Bearer> checked, std::string_view from, std::string needed)
      : bearer(std::move(checked)), address(from), scope(std::move(needed)) {}

  std::shared_ptr<const access::Bearer> bearer;  // null for an anonymous caller
  std::string address;
  std::string scope;  // what a token has to cover for this request; in challenges

  access::Principal principal() const;
};

struct Permitted {
  Permitted(registry::Context by, std::shared_ptr<const access::Repository> at)
      : context(std::move(by)), repository(std::move(at)) {}

  registry::Context context;
  std::shared_ptr<const access::Repository> repository;  // null when it does not exist
};

// What a mount takes from.
struct Source {
  std::shared_ptr<const access::Repository> repository;  // null: nothing that the caller may read
  // The caller's account may read it, and the token does not cover it: another one would.
  bool out_of_scope = false;
};

// Either what was asked for or the answer to send instead.
template <class T>
using OrResponse = std::variant<T, http::Response>;

class Gate {
 public:
  Gate(const Services& services, const Options& options);

  // 401 with a challenge for a bad credential; `scope` is what a token for this request has to cover. Never
  // reads the body.
  async::Task<OrResponse<Caller>> authenticate(http::Exchange& exchange, std::string scope) const;
  // When the caller may not: 401 with a challenge that names the scope, and forbidden and absent look the
  // same. But 403 for an account that may pull here, and no token of which would allow this.
  async::Task<OrResponse<Permitted>> authorize(http::Exchange& exchange, const Caller& caller,
                                               const oci::RepositoryName& name, access::Action action) const;
  // The same once more, for a request that has taken its time: right before it is carried out, credential and
  // role are looked at anew. Nothing when it may go on. A bearer token that has run out meanwhile was good
  // enough.
  async::Task<std::optional<http::Response>> still(http::Exchange& exchange, const Caller& caller,
                                                   const oci::RepositoryName& name,
                                                   access::Action action) const;
  // With no answer prepared.
  async::Task<Source> source(const http::Exchange& exchange, const Caller& caller,
                             const oci::RepositoryName& name) const;

  http::Response challenge(const http::Exchange& exchange, std::string_view scope, std::string_view problem,
                           std::string_view code, std::string_view message) const;
  // As access::Bearer::credential(), or "" for an anonymous caller: what evidence says proved the caller.
  static std::string credential(const Caller& caller);
  audit::Origin origin(const http::Exchange& exchange, const Caller& caller) const;

 private:
  std::string realm(const http::Exchange& exchange) const;
  // `why` as in access/decide.h; "" for who has shown no credential, or one that has ended.
  void journal_refusal(std::string_view why, const http::Exchange& exchange, const Caller& caller,
                       const oci::RepositoryName& name, access::Action action) const;

  const Services& services_;
  const Options& options_;
};

// What a token has to cover for a request to /v2, "repository:NAME:pull,push"; "" for /v2/ itself. A mount's
// source is part of it.
std::string scope_of(const Route& route, const http::Request& request);

}  // namespace bulkhead::api

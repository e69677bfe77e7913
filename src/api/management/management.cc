#include "api/management/management.h"

#include <fmt/format.h>

#include "api/caller.h"
#include "api/login/browser.h"
#include "api/management/input.h"
#include "api/management/proof.h"
#include "api/problem.h"
#include "async/fair_pool.h"
#include "async/lanes.h"
#include "async/offload.h"
#include "identity/secrets/token_format.h"

namespace bulkhead::api::management {
namespace {

http::Response challenge(const ProblemKind& kind, std::string_view detail, std::string_view instance,
                         std::string_view parameters) {
  http::Response response = problem_response(kind, detail, instance);
  response.header("WWW-Authenticate", fmt::format("Bearer realm=\"bulkhead\"{}", parameters));
  return response;
}

http::Response log_in_first(std::string_view detail, std::string_view instance,
                            std::string_view parameters = {}) {
  return challenge(problem_kind(Errc::unauthenticated), detail, instance, parameters);
}

audit::Origin origin_of(const http::Exchange& exchange) {
  audit::Origin origin;
  origin.address = exchange.address();
  origin.user_agent = exchange.request().header("User-Agent").value_or("").substr(0, kUserAgentBytes);
  origin.request_id = exchange.request_id;
  return origin;
}

std::optional<std::string> header_of(const http::Exchange& exchange, std::string_view name) {
  const auto value = exchange.request().header(name);
  if (!value) return std::nullopt;
  return std::string(*value);
}

async::LanePool* waiting_pool(const Services& services, Wait::For purpose) {
  switch (purpose) {
    case Wait::For::directory: return &services.directories;
    case Wait::For::provider: return &services.providers;
    case Wait::For::issuer: return &services.issuers;
    case Wait::For::nobody: break;
  }
  return nullptr;
}

}  // namespace

Management::Management(const Services& services, const Options& options, Authenticator& authenticator,
                       http::BodyMemory& bodies)
    : services_(services),
      options_(options),
      authenticator_(authenticator),
      bodies_(bodies),
      router_(all_operations()),
      performer_(services, options, router_) {}

async::Task<http::Response> Management::handle(http::Exchange& exchange, std::string_view path) {
  auto found = router_.match(exchange.request().method, path);
  if (std::holds_alternative<Router::NoRoute>(found))
    co_return problem_response(
        Error(Errc::not_found,
              "there is nothing at this address; GET /api/v1/openapi.json says what there is"),
        exchange.request_id);
  if (const auto* wrong = std::get_if<Router::WrongMethod>(&found)) {
    http::Response response = problem_response(
        kMethodNotAllowed, fmt::format("this address answers {} only", wrong->allowed), exchange.request_id);
    response.header("Allow", wrong->allowed);
    co_return response;
  }
  Incoming incoming;
  incoming.match = std::move(std::get<Router::Match>(found));
  const Operation& operation = *incoming.match.operation;
  incoming.origin = origin_of(exchange);
  incoming.browser_origin = browser_origin(exchange.request(), options_, exchange.encrypted());
  auto authenticated = co_await authenticate(exchange, operation, incoming.origin);
  if (auto* refused = std::get_if<http::Response>(&authenticated)) co_return std::move(*refused);
  incoming.caller = std::move(std::get<ManagementCaller>(authenticated));
  incoming.origin.account = incoming.caller.principal.account;
  incoming.origin.credential = incoming.caller.credential;
  exchange.account = incoming.caller.principal.account;
  if (auto refused = out_of_reach(operation, incoming.caller, exchange.request_id)) {
    // A policy's, where it is not the token's: no second factor has been shown.
    if (refused->status == 403)
      performer_.journal_denial(incoming,
                                incoming.caller.needs_factor ? access::why::kPolicy : access::why::kToken);
    co_return std::move(*refused);
  }

  http::BodyMemory::Lease lease(bodies_, holder_of(exchange));
  auto body = co_await exchange.read_all(kBodyBytes, &lease);
  if (!body) co_return problem_response(body.error(), exchange.request_id);
  const bool waited = !body->empty();
  incoming.body = Secret<>(std::move(*body));
  // A body takes as long as its sender likes: the credential may have ended meanwhile.
  if (waited) {
    auto again = co_await authenticate(exchange, operation, incoming.origin);
    if (auto* refused = std::get_if<http::Response>(&again)) co_return std::move(*refused);
    incoming.caller = std::move(std::get<ManagementCaller>(again));
    if (auto refused = out_of_reach(operation, incoming.caller, exchange.request_id))
      co_return std::move(*refused);
  }
  incoming.path = path;
  incoming.query = exchange.request().query;
  incoming.content_type = exchange.request().header("Content-Type").value_or("");
  incoming.if_match = exchange.request().list("If-Match");
  incoming.if_none_match = exchange.request().list("If-None-Match");
  incoming.idempotency_key = header_of(exchange, "Idempotency-Key");
  auto response = co_await perform(exchange, operation, incoming);
  if (!response) co_return problem_response(response.error(), exchange.request_id);
  co_return std::move(*response);
}

// Where it hinders nobody: what waits for another server on that server's lane.
async::Task<Result<http::Response>> Management::perform(const http::Exchange& exchange,
                                                        const Operation& operation, Incoming& incoming) {
  const auto carry_out = [this, &incoming]() -> Result<http::Response> {
    return performer_.perform(incoming);
  };
  LogInOf who;
  std::optional<Wait> wait;
  if (operation.wait != nullptr) {
    auto found = co_await at_work(
        exchange, services_, [this, &incoming]() -> Result<Wait> { return performer_.wait_of(incoming); });
    if (!found) co_return found.error();
    wait = *std::move(found);
    who.account = wait->account;
    if (async::LanePool* pool = waiting_pool(services_, wait->purpose)) {
      who.provider = wait->server;
      auto lane = pool->lane(wait->server, place_of(exchange, services_, who));
      co_return co_await async::offload(lane, carry_out);
    }
    incoming.may_wait = false;
  }
  if (!operation.slow) co_return co_await at_work(exchange, services_, carry_out);
  auto seat = services_.passwords.seat(place_of(exchange, services_, who));
  co_return co_await async::offload(seat, carry_out);
}

async::Task<std::variant<ManagementCaller, http::Response>> Management::authenticate(
    http::Exchange& exchange, const Operation& operation, const audit::Origin& origin) const {
  if (operation.permission.kind == Permission::Kind::anyone) co_return ManagementCaller();
  const http::Request& request = exchange.request();
  const auto header = request.header("Authorization");
  std::string_view credential;
  if (header) {
    const auto authorization = parse_authorization(*header);
    if (!authorization || authorization->scheme != "bearer" || request.count("Authorization") > 1)
      co_return log_in_first(
          "this address takes one Authorization: Bearer, with a session's or an access token",
          origin.request_id);
    credential = authorization->value;
  } else {
    const auto session = cookie(request, kSessionCookie);
    if (!session || !session->starts_with(identity::kSessionPrefix))
      co_return log_in_first("send a session's or an access token as Authorization: Bearer",
                             origin.request_id);
    // The browser sends the cookie whoever made it ask.
    if (operation.method != http::Method::get &&
        !has_origin(request, browser_origin(request, options_, exchange.encrypted())))
      co_return problem_response(
          Error{Errc::denied, "a change with a browser's cookie comes from a page of this registry only"},
          origin.request_id);
    credential = *session;
  }
  auto known = authenticator_.peek(credential, origin);
  if (!known)
    known = co_await at_work(exchange, services_, [this, credential, &origin] {
      return authenticator_.verify(credential, origin);
    });
  Result<ManagementCaller> caller = *std::move(known);
  if (caller) exchange.account = caller->principal.account;
  if (!caller) {
    if (caller.error().code != Errc::unauthenticated)
      co_return problem_response(caller.error(), origin.request_id);
    co_return log_in_first(caller.error().message, origin.request_id, ", error=\"invalid_token\"");
  }
  co_return std::move(*caller);
}

std::optional<http::Response> Management::out_of_reach(const Operation& operation,
                                                       const ManagementCaller& caller,
                                                       std::string_view instance) const {
  if (operation.permission.kind == Permission::Kind::anyone) return std::nullopt;
  const Reach needed = operation.method == http::Method::get ? Reach::read : Reach::write;
  if (caller.reach < needed)
    return problem_response(
        Error{Errc::denied,
              needed == Reach::read
                  ? "the access token is not for the management API"
                  : "the access token may only read here; take one with management \"write\", or log in"},
        instance);
  if (caller.needs_factor && !operation.enrols)
    return problem_response(
        kFactorRequired,
        "a policy asks for a second factor: enrol one, or log in again with the one you have", instance);
  if (!operation.proof) return std::nullopt;
  return lacking_proof(caller, services_.clock.now(), instance);
}

}  // namespace bulkhead::api::management

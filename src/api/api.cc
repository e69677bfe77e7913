#include "api/api.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/caller.h"
#include "api/errors.h"
#include "api/home.h"
#include "api/login/page.h"
#include "api/problem.h"
#include "async/offload.h"
#include "audit/journal.h"
#include "base/bytes.h"
#include "crypto/hash.h"
#include "db/database.h"

namespace bulkhead::api {
namespace {

constexpr std::uint64_t kSmallAnswer = 16 << 10;

// `address` is "local" or an IP address in its canonical spelling.
bool is_local(std::string_view address) {
  return address == "local" || address == "::1" || address.starts_with("127.");
}

http::Response text_response(unsigned status, std::string text) {
  http::Response response;
  response.status = status;
  response.header("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(text);
  return response;
}

}  // namespace

http::Response method_not_allowed(std::string_view allowed) {
  http::Response response =
      error_response(405, "UNSUPPORTED", fmt::format("this address answers {} only", allowed));
  response.header("Allow", std::string(allowed));
  return response;
}

std::string location(const Options& options, const oci::RepositoryName& name, std::string_view rest) {
  return fmt::format("{}/v2/{}/{}", options.public_url, name.render(), rest);
}

http::Response accepted() {
  http::Response response;
  response.status = 202;
  return response;
}

http::Response not_given(const Deps& deps, const oci::RepositoryName& name, std::string_view reference,
                         const Error& why, const Error& unknown) {
  if (why.code == unknown.code) return error_response(unknown);
  deps.services.log.error("what was asked for cannot be read",
                          {{"repository", name.render()}, {"reference", reference}, {"error", why.message}});
  // Clients ask before they push: what is damaged is to be pushed.
  return error_response(why.code == Errc::corrupt ? unknown : why);
}

std::string_view cache_control(const Caller& caller) {
  const bool anybody = !caller.bearer || caller.bearer->principal.anonymous();
  return anybody ? "no-transform" : "private, no-transform";
}

void record_pull(const Deps& deps, const http::Exchange& exchange, const Caller& caller, audit::Action action,
                 const oci::RepositoryName& name, std::string_view target, const oci::Digest& digest) {
  const std::string rendered = digest.render();
  const std::string credential = Gate::credential(caller);
  audit::EventView event;
  event.at = deps.services.clock.now();
  event.action = action;
  event.account = caller.bearer ? std::string_view(caller.bearer->principal.account) : std::string_view();
  event.credential = credential;
  event.address = exchange.address();
  event.user_agent = exchange.request().header("User-Agent").value_or("").substr(0, kUserAgentBytes);
  event.request_id = exchange.request_id;
  event.repository = name.render();
  event.target = target;
  event.new_digest = rendered;
  deps.services.journal.observe(event);
}

Api::Api(const Services& services, const Options& options)
    : services_(services),
      options_(options),
      gate_(services, options),
      transfers_(options.transfer_memory),
      bodies_(options.bodies),
      answers_(options.bodies),
      deps_{services_, options_, gate_, transfers_, bodies_, answers_},
      manifests_(deps_),
      blobs_(deps_),
      uploads_(deps_),
      lists_(deps_),
      tokens_(deps_),
      authenticator_(services_),
      management_(services_, options_, authenticator_, bodies_),
      login_(services_, options_, bodies_),
      request_prefix_(to_hex(as_bytes(crypto::random_bytes(6)))) {
  outcomes_.add_to(metrics_);
  metrics_.add("bulkhead_transfer_memory_bytes", "gauge", "Memory held by uploads under way.",
               [this] { return static_cast<double>(transfers_.used()); });
  metrics_.add("bulkhead_body_memory_bytes", "gauge", "Memory held by bodies that are read as a whole.",
               [this] { return static_cast<double>(bodies_.used()); });
  metrics_.add("bulkhead_answer_memory_bytes", "gauge", "Memory held by answers that are being read.",
               [this] { return static_cast<double>(answers_.used()); });
}

http::Hooks Api::hooks() {
  return {[this](http::Exchange& exchange) { return handle(exchange); },
          [this](http::Exchange& exchange, unsigned status, std::string_view message) {
            if (exchange.request_id.empty()) exchange.request_id = next_request_id();
            http::Response response = refusal_response(status, message);
            response.header("X-Request-Id", exchange.request_id);
            return response;
          },
          [this](const http::Exchange& exchange, unsigned status, std::chrono::nanoseconds took,
                 std::uint64_t sent) { observe(exchange, status, took, sent); }};
}

std::string Api::next_request_id() {
  return fmt::format("{}{:010x}", request_prefix_, requests_.fetch_add(1, std::memory_order_relaxed));
}

// Behind a trusted proxy the client is the last address in its header that is not a trusted proxy itself:
// what stands before it anybody may have written.
void Api::look_behind_proxies(http::Exchange& exchange) const {
  const auto trusted = [this](std::string_view address) {
    return std::ranges::any_of(options_.trusted_proxies,
                               [&](const IpNetwork& network) { return network.contains(address); });
  };
  if (options_.trusted_proxies.empty() || !trusted(exchange.address())) return;
  const auto nodes = http::forwarded_nodes(exchange.request(), options_.proxy_header);
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    auto address = http::address_of_node(*node, options_.proxy_header);
    if (!address) return;
    const bool goes_on = trusted(*address);
    exchange.set_address(*std::move(address));
    if (!goes_on) return;
  }
}

async::Task<http::Response> Api::handle(http::Exchange& exchange) {
  exchange.request_id = next_request_id();
  look_behind_proxies(exchange);
  const auto route = parse_route(exchange.request().path);
  http::Response response;
  if (!route) {
    response = error_response(route.error());
  } else {
    exchange.route = name(*route);
    response = co_await dispatch(exchange, *route);
  }
  if (const auto counted = count(exchange, response); !counted)
    response = exchange.request().path.starts_with("/api/")
                   ? problem_response(counted.error(), exchange.request_id)
                   : error_response(counted.error());
  if (exchange.request().path.starts_with("/v2")) {
    response.header("Docker-Distribution-API-Version", "registry/2.0");
    // Caches that hold on to what does not forbid it would give it to everybody.
    if (std::ranges::none_of(response.headers, [](const auto& h) { return h.first == "Cache-Control"; }))
      response.header("Cache-Control", "private");
  }
  response.header("X-Request-Id", exchange.request_id);
  response.header("X-Content-Type-Options", "nosniff");
  exchange.failure = std::move(response.log_note);
  co_return response;
}

Result<void> Api::count(const http::Exchange& exchange, http::Response& response) {
  const bool in_memory = std::holds_alternative<std::string>(response.body) ||
                         std::holds_alternative<http::SharedBytes>(response.body);
  const std::uint64_t size = http::body_length(response.body);
  // Smaller ones the limit on connections bounds.
  if (response.counted != nullptr || !in_memory || size <= kSmallAnswer ||
      exchange.request().method == http::Method::head)
    return {};
  auto lease = std::make_shared<http::BodyMemory::Lease>(answers_, holder_of(exchange));
  if (auto held = lease->hold(size); !held) return held;
  response.counted = std::move(lease);
  response.within = options_.bodies.time;
  return {};
}

async::Task<http::Response> Api::dispatch(http::Exchange& exchange, const Route& route) {
  if (std::holds_alternative<route::Token>(route)) co_return co_await tokens_.handle(exchange);
  if (const auto* at = std::get_if<route::Management>(&route))
    co_return co_await management_.handle(exchange, at->path);
  if (const auto* at = std::get_if<route::LogIn>(&route))
    co_return co_await login_.handle(exchange, at->path);
  if (std::holds_alternative<route::Health>(route)) co_return text_response(200, "ok\n");
  if (std::holds_alternative<route::Ready>(route)) co_return co_await ready(exchange);
  if (std::holds_alternative<route::Metrics>(route)) co_return scrape(exchange);
  if (std::holds_alternative<route::Home>(route) || std::holds_alternative<route::Icon>(route))
    co_return show(exchange, route);
  co_return co_await registry(exchange, route);
}

async::Task<http::Response> Api::registry(http::Exchange& exchange, const Route& route) {
  auto authenticated = co_await gate_.authenticate(exchange, scope_of(route, exchange.request()));
  if (auto* refused = std::get_if<http::Response>(&authenticated)) co_return std::move(*refused);
  const Caller& caller = std::get<Caller>(authenticated);
  if (const auto* at = std::get_if<route::Manifest>(&route))
    co_return co_await manifests_.handle(exchange, caller, *at);
  if (const auto* at = std::get_if<route::NoManifest>(&route))
    co_return co_await manifests_.handle(exchange, caller, *at);
  if (const auto* at = std::get_if<route::Blob>(&route))
    co_return co_await blobs_.handle(exchange, caller, *at);
  if (const auto* at = std::get_if<route::Upload>(&route))
    co_return co_await uploads_.handle(exchange, caller, *at);
  if (const auto* at = std::get_if<route::UploadStart>(&route))
    co_return co_await uploads_.start(exchange, caller, *at);
  if (const auto* at = std::get_if<route::Tags>(&route))
    co_return co_await lists_.tags(exchange, caller, *at);
  if (const auto* at = std::get_if<route::Referrers>(&route))
    co_return co_await lists_.referrers(exchange, caller, *at);
  if (std::holds_alternative<route::Catalog>(route)) co_return co_await lists_.catalog(exchange, caller);
  co_return co_await base(exchange, caller);
}

async::Task<http::Response> Api::base(http::Exchange& exchange, const Caller& caller) const {
  const auto method = exchange.request().method;
  if (method != http::Method::get && method != http::Method::head) co_return method_not_allowed("GET, HEAD");
  // Anonymous callers are challenged even though public repositories are open to them: it is how clients find
  // the token service.
  if (!caller.bearer)
    co_return gate_.challenge(exchange, "", "", "UNAUTHORIZED", "authentication is required");
  co_return json_response(200, "{}");
}

async::Task<http::Response> Api::ready(http::Exchange& exchange) const {
  if (!ready_) co_return text_response(503, "stopping\n");
  auto answered = co_await at_work(exchange, services_, [this] { return services_.database.ping(); });
  if (!answered) co_return text_response(503, "the database does not answer\n");
  co_return text_response(200, "ready\n");
}

http::Response Api::show(const http::Exchange& exchange, const Route& route) const {
  const auto method = exchange.request().method;
  if (method != http::Method::get && method != http::Method::head) return method_not_allowed("GET, HEAD");
  return std::holds_alternative<route::Icon>(route) ? icon() : home(exchange, options_);
}

http::Response Api::scrape(const http::Exchange& exchange) const {
  if (!options_.metrics)
    return error_response({Errc::not_found, "metrics are switched off (setting metrics.enabled)"});
  // Names of routes and loads are nobody's business by default; the setting metrics.public opens them.
  if (!options_.metrics_public && !is_local(exchange.address()))
    return error_response(
        {Errc::not_found, "metrics are served to this machine only (setting metrics.public)"});
  http::Response response;
  response.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = metrics_.render();
  return response;
}

void Api::observe(const http::Exchange& exchange, unsigned status, std::chrono::nanoseconds took,
                  std::uint64_t sent) {
  metrics_.observe(exchange.route, status, took, sent, exchange.body_bytes());
  outcomes_.observe(exchange.route, exchange.request().method, exchange.request().path, status,
                    exchange.account);
  if (!exchange.failure.empty())
    services_.log.error("a request failed", {{"request", exchange.request_id}, {"error", exchange.failure}});
  if (!options_.log_requests && status < 500) return;
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  const auto& request = exchange.request();
  services_.log.log(status >= 500 ? LogLevel::error : LogLevel::info, "request",
                    {{"method", request.method_text},
                     {"path", request.path},
                     {"status", status},
                     {"microseconds", microseconds},
                     {"sent", sent},
                     {"account", exchange.account},
                     {"address", exchange.address()},
                     {"request", exchange.request_id}});
}

}  // namespace bulkhead::api

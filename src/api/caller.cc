#include "api/caller.h"

#include <fmt/format.h>

#include <algorithm>

#include "access/facts.h"
#include "access/tokens.h"
#include "api/errors.h"
#include "async/offload.h"
#include "audit/journal.h"
#include "base/bytes.h"

namespace bulkhead::api {
namespace {

bool is_loopback_host(std::string_view host) {
  if (host.starts_with("[::1]")) return host.size() == 5 || host[5] == ':';
  const std::string_view bare = host.substr(0, host.rfind(':'));
  return bare == "localhost" || bare.starts_with("127.");
}

// What a Host header may hold (RFC 9110 section 7.2); it ends up in a quoted challenge parameter.
bool plain_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']' || c == '_';
  });
}

}  // namespace

std::optional<Authorization> parse_authorization(std::string_view header) {
  const std::size_t space = header.find(' ');
  if (space == std::string_view::npos || space == 0) return std::nullopt;
  Authorization parsed;
  for (const char c : header.substr(0, space))
    parsed.scheme.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c);
  parsed.value = header.substr(space + 1);
  while (parsed.value.starts_with(' ')) parsed.value.remove_prefix(1);
  while (parsed.value.ends_with(' ')) parsed.value.remove_suffix(1);
  if (parsed.value.empty()) return std::nullopt;
  return parsed;
}

Result<BasicCredentials> parse_basic(std::string_view encoded) {
  const Error malformed{Errc::unauthenticated, "the Basic credential is malformed"};
  auto decoded = from_base64(encoded);
  if (!decoded) return malformed;
  const Secret<> text(std::move(*decoded));
  const std::size_t colon = text.reveal().find(':');
  if (colon == std::string::npos || colon == 0) return malformed;
  return BasicCredentials{text.reveal().substr(0, colon), Secret<>(text.reveal().substr(colon + 1))};
}

std::string scope_for(const oci::RepositoryName& name, access::Action action) {
  const std::string_view actions = action == access::Action::pull   ? "pull"
                                   : action == access::Action::push ? "pull,push"
                                                                    : "delete";
  return fmt::format("repository:{}:{}", name.render(), actions);
}

Gate::Gate(const Services& services, const Options& options) : services_(services), options_(options) {}

std::string Gate::realm(const http::Exchange& exchange) const {
  if (!options_.public_url.empty()) return options_.public_url + "/token";
  const std::string_view scheme = exchange.encrypted() ? "https" : "http";
  std::string_view host = exchange.request().header("Host").value_or("");
  const auto is_this_host = [&](const std::string& name) {
    return host == name || (host.starts_with(name) && host.substr(name.size()).starts_with(':'));
  };
  const bool known = std::ranges::any_of(options_.hosts, is_this_host);
  // A challenge built from whatever Host was sent would let a caller choose where passwords go.
  if (!plain_host(host) || (!known && !is_loopback_host(host))) host = options_.listen_address;
  return fmt::format("{}://{}/token", scheme, host);
}

http::Response Gate::challenge(const http::Exchange& exchange, std::string_view scope,
                               std::string_view problem, std::string_view code,
                               std::string_view message) const {
  http::Response response = error_response(401, code, message);
  std::string value = fmt::format(R"(Bearer realm="{}",service="{}")", realm(exchange), options_.service);
  if (!scope.empty()) value += fmt::format(R"(,scope="{}")", scope);
  if (!problem.empty()) value += fmt::format(R"(,error="{}")", problem);
  response.header("WWW-Authenticate", std::move(value));
  return response;
}

std::string Gate::credential(const Caller& caller) {
  return caller.bearer ? caller.bearer->credential() : std::string();
}

audit::Origin Gate::origin(const http::Exchange& exchange, const Caller& caller) const {
  audit::Origin origin;
  if (caller.bearer) origin.account = caller.bearer->principal.account;
  origin.credential = credential(caller);
  origin.address = exchange.address();
  origin.user_agent = exchange.request().header("User-Agent").value_or("").substr(0, kUserAgentBytes);
  origin.request_id = exchange.request_id;
  return origin;
}

async::Task<OrResponse<Caller>> Gate::authenticate(http::Exchange& exchange) const {
  const auto header = exchange.request().header("Authorization");
  if (!header) co_return Caller();
  if (exchange.request().count("Authorization") > 1)
    co_return error_response(400, "BAD_REQUEST", "the request carries more than one Authorization header");
  const auto authorization = parse_authorization(*header);
  if (!authorization || authorization->scheme != "bearer")
    co_return challenge(exchange, "", "", "UNAUTHORIZED",
                        "this address takes bearer tokens; ask the token service for one");
  const std::string_view address = exchange.address();
  auto checked = services_.tokens.peek(authorization->value, address);
  if (!checked)
    checked = co_await async::offload(services_.work,
                                      [&] { return services_.tokens.verify(authorization->value, address); });
  if (!*checked) {
    if (checked->error().code != Errc::unauthenticated) co_return error_response(checked->error());
    co_return challenge(exchange, "", "invalid_token", "UNAUTHORIZED", checked->error().message);
  }
  exchange.account = (**checked)->principal.account;
  co_return Caller(std::move(**checked));
}

async::Task<OrResponse<Permitted>> Gate::authorize(http::Exchange& exchange, const Caller& caller,
                                                   const oci::RepositoryName& name,
                                                   access::Action action) const {
  const access::Principal principal = caller.principal();
  const auto refuse = [&](std::string_view problem) {
    audit::Event event;
    event.at = services_.clock.now();
    event.action = audit::Action::request_denied;
    event.origin = origin(exchange, caller);
    event.repository = name.render();
    event.target = access::name(action);
    services_.journal.append(event);
    return principal.anonymous()
               ? challenge(exchange, scope_for(name, action), problem, "UNAUTHORIZED",
                           "log in to do this: the repository is private or does not exist")
               : challenge(exchange, scope_for(name, action), problem, "DENIED",
                           fmt::format(
                               "{} may not {} here: the repository does not exist or needs a role that this "
                               "account or token does not have",
                               principal.account, access::name(action)));
  };
  if (caller.bearer && !caller.bearer->covers(name.render(), action)) co_return refuse("insufficient_scope");
  auto resolved = services_.facts.peek(principal, name);
  if (!resolved) {
    auto loaded =
        co_await async::offload(services_.work, [&] { return services_.facts.resolve(principal, name); });
    if (!loaded) co_return error_response(loaded.error());
    resolved = std::move(*loaded);
  }
  if (!access::decide(principal, action, resolved->standing)) co_return refuse("");
  registry::Context context{principal, origin(exchange, caller)};
  co_return Permitted(std::move(context), std::move(resolved->repository));
}

async::Task<std::shared_ptr<const access::Repository>> Gate::readable(const Caller& caller,
                                                                      const oci::RepositoryName& name) const {
  if (caller.bearer && !caller.bearer->covers(name.render(), access::Action::pull)) co_return nullptr;
  const access::Principal principal = caller.principal();
  auto resolved =
      co_await async::offload(services_.work, [&] { return services_.facts.resolve(principal, name); });
  if (!resolved || !access::decide(principal, access::Action::pull, resolved->standing)) co_return nullptr;
  co_return resolved->repository;
}

}  // namespace bulkhead::api

#include "api/caller.h"

#include <fmt/format.h>

#include <algorithm>

#include "access/facts.h"
#include "access/tokens.h"
#include "api/errors.h"
#include "async/offload.h"
#include "audit/journal.h"
#include "base/bytes.h"
#include "base/ip_network.h"
#include "base/subscriber_network.h"
#include "identity/login/login.h"
#include "identity/people/account.h"

namespace bulkhead::api {
namespace {

// Of "host", "host:port", "[address]" and "[address]:port" the host, without brackets; nothing for what is
// none of these.
std::optional<std::string_view> host_of(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  const bool digits = std::all_of(port.begin() + (port.empty() ? 0 : 1), port.end(),
                                  [](char c) { return c >= '0' && c <= '9'; });
  if (host.empty() || (!port.empty() && (port.front() != ':' || !digits))) return std::nullopt;
  return host;
}

// By a name or an address that is nobody else's: "localhost", 127.0.0.0/8 and ::1, and nothing that merely
// begins so.
bool is_loopback_host(std::string_view authority) {
  const auto host = host_of(authority);
  if (!host) return false;
  if (authority.starts_with('[')) return *host == "::1";
  return http::equals_ignoring_case(*host, "localhost") ||
         (host->starts_with("127.") && is_ip_address(*host));
}

// "0.0.0.0:5000" and "[::]:5000": all addresses of the machine, which clients cannot ask for anything.
bool is_everywhere(std::string_view authority) {
  const auto host = host_of(authority);
  return host && (*host == "0.0.0.0" || *host == "::");
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

http::BodyMemory::Holder holder_of(const http::Exchange& exchange) {
  if (!exchange.account.empty()) return {false, std::string(identity::sharer(exchange.account))};
  return {true, network_of(exchange.address())};
}

async::Place place_of(const http::Exchange& exchange, const Services& services, const LogInOf& who) {
  if (!exchange.account.empty()) return {true, {std::string(identity::sharer(exchange.account))}};
  return {services.login.knows(who.account, exchange.address(), who.provider),
          networks_of(exchange.address())};
}

async::Place place_at_work(const http::Exchange& exchange) {
  if (!exchange.account.empty()) return {true, {std::string(identity::sharer(exchange.account))}};
  return {false, networks_of(exchange.address())};
}

namespace {

std::string scope_for(const oci::RepositoryName& name, std::string_view actions) {
  return fmt::format("repository:{}:{}", name.render(), actions);
}

std::string_view actions_for(http::Method method) {
  if (method == http::Method::put) return "pull,push";
  return method == http::Method::delete_ ? "delete" : "pull";
}

// The scope that the source of a mount adds.
std::string scope_of_source(const oci::RepositoryName& target, std::string_view query) {
  const auto parameters = http::parse_query(query);
  if (!parameters) return {};
  const auto mount = http::one_value(*parameters, "mount");
  const auto from = http::one_value(*parameters, "from");
  if (!mount || !*mount || !from || !*from) return {};
  const auto name = oci::RepositoryName::parse_asked(**from);
  return name && *name != target ? ' ' + scope_for(*name, "pull") : std::string();
}

}  // namespace

std::string scope_of(const Route& route, const http::Request& request) {
  if (const auto* at = std::get_if<route::Manifest>(&route))
    return scope_for(at->name, actions_for(request.method));
  if (const auto* at = std::get_if<route::NoManifest>(&route))
    return scope_for(at->name, actions_for(request.method));
  if (const auto* at = std::get_if<route::Blob>(&route))
    return scope_for(at->name, actions_for(request.method));
  if (const auto* at = std::get_if<route::Tags>(&route)) return scope_for(at->name, "pull");
  if (const auto* at = std::get_if<route::Referrers>(&route)) return scope_for(at->name, "pull");
  if (const auto* at = std::get_if<route::Upload>(&route)) return scope_for(at->name, "pull,push");
  if (const auto* at = std::get_if<route::UploadStart>(&route))
    return scope_for(at->name, "pull,push") + scope_of_source(at->name, request.query);
  return std::holds_alternative<route::Catalog>(route) ? "registry:catalog:*" : "";
}

access::Principal Caller::principal() const {
  if (!bearer) return {};
  access::Principal principal = bearer->principal;
  principal.address = address;
  return principal;
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
  // A challenge built from whatever Host was sent would let a caller choose where passwords go. What is this
  // machine's own, by name or by where this very connection came to, nobody else can answer to.
  if (plain_host(host) && (known || is_loopback_host(host)))
    return fmt::format("{}://{}/token", scheme, host);
  const std::string reached = exchange.reached_at();
  const bool by_address = !reached.empty() && host == reached;
  if (!by_address && !is_everywhere(options_.listen_address))
    return fmt::format("{}://{}/token", scheme, options_.listen_address);
  return fmt::format("{}://{}/token", scheme, reached.empty() ? options_.listen_address : reached);
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

async::Task<OrResponse<Caller>> Gate::authenticate(http::Exchange& exchange, std::string scope) const {
  const auto header = exchange.request().header("Authorization");
  if (!header) co_return Caller(nullptr, exchange.address(), std::move(scope));
  if (exchange.request().count("Authorization") > 1)
    co_return error_response(400, "BAD_REQUEST", "the request carries more than one Authorization header");
  const auto authorization = parse_authorization(*header);
  if (!authorization || authorization->scheme != "bearer")
    co_return challenge(exchange, scope, "", "UNAUTHORIZED",
                        "this address takes bearer tokens; ask the token service for one");
  const std::string_view address = exchange.address();
  auto checked = services_.tokens.peek(authorization->value, address);
  if (!checked)
    checked = co_await at_work(exchange, services_,
                               [&] { return services_.tokens.verify(authorization->value, address); });
  if (!*checked) {
    if (checked->error().code != Errc::unauthenticated) co_return error_response(checked->error());
    co_return challenge(exchange, scope, "invalid_token", "UNAUTHORIZED", checked->error().message);
  }
  exchange.account = (**checked)->principal.account;
  co_return Caller(std::move(**checked), address, std::move(scope));
}

async::Task<std::optional<http::Response>> Gate::still(http::Exchange& exchange, const Caller& caller,
                                                       const oci::RepositoryName& name,
                                                       access::Action action) const {
  Caller current(nullptr, caller.address, caller.scope);
  if (caller.bearer) {
    const auto authorization = parse_authorization(exchange.request().header("Authorization").value_or(""));
    const std::string_view token = authorization ? authorization->value : std::string_view();
    auto checked = co_await at_work(exchange, services_,
                                    [&] { return services_.tokens.verify_again(token, caller.address); });
    if (!checked) {
      if (checked.error().code != Errc::unauthenticated) co_return error_response(checked.error());
      journal_refusal("", exchange, caller, name, action);
      co_return challenge(exchange, caller.scope, "invalid_token", "UNAUTHORIZED",
                          "the credential ended while the request was under way");
    }
    current = Caller(*std::move(checked), caller.address, caller.scope);
  }
  auto permitted = co_await authorize(exchange, current, name, action);
  if (auto* refused = std::get_if<http::Response>(&permitted)) co_return std::move(*refused);
  co_return std::nullopt;
}

void Gate::journal_refusal(std::string_view why, const http::Exchange& exchange, const Caller& caller,
                           const oci::RepositoryName& name, access::Action action) const {
  audit::Event event;
  event.at = services_.clock.now();
  event.action = audit::Action::request_denied;
  event.origin = origin(exchange, caller);
  event.repository = name.render();
  event.target = access::name(action);
  if (!why.empty()) event.detail = fmt::format(R"({{"reason":"{}"}})", why);
  services_.journal.append(event);
}

async::Task<OrResponse<Permitted>> Gate::authorize(http::Exchange& exchange, const Caller& caller,
                                                   const oci::RepositoryName& name,
                                                   access::Action action) const {
  const access::Principal principal = caller.principal();
  auto resolved = services_.facts.peek(principal, name);
  if (!resolved) {
    auto loaded =
        co_await at_work(exchange, services_, [&] { return services_.facts.resolve(principal, name); });
    if (!loaded) co_return error_response(loaded.error());
    resolved = std::move(*loaded);
  }
  const bool covered = !caller.bearer || caller.bearer->covers(name.render(), action);
  const bool may = access::decide(principal, action, resolved->standing);
  if (covered && may) {
    registry::Context context{principal, origin(exchange, caller)};
    co_return Permitted(std::move(context), std::move(resolved->repository));
  }
  std::string_view denied_for;
  if (!principal.anonymous())
    denied_for = may ? access::why::kBearer : access::why_denied(principal, action, resolved->standing);
  journal_refusal(denied_for, exchange, caller, name, action);
  if (principal.anonymous())
    co_return challenge(exchange, caller.scope, covered ? "" : "insufficient_scope", "UNAUTHORIZED",
                        "log in to do this: the repository is private or does not exist");
  const auto refused = [&](std::string_view why) {
    const std::string_view lacking = resolved->standing.lacking;
    return lacking.empty()
               ? fmt::format("{} may not {} here: {} a role that this account or token does not have",
                             principal.account, access::name(action), why)
               : fmt::format("{} may not {} here: it takes {}", principal.account, access::name(action),
                             lacking);
  };
  // Who may see the repository may know that it is there, and another bearer token would not help.
  if (!may && access::decide(principal, access::Action::pull, resolved->standing))
    co_return error_response(
        403, "DENIED",
        denied_for == access::why::kToken
            ? fmt::format("{0} may not {1} here with this access token: it takes one whose scopes hold {1}",
                          principal.account, access::name(action))
            : refused("it takes"));
  co_return challenge(exchange, caller.scope, covered ? "" : "insufficient_scope", "DENIED",
                      refused("the repository does not exist or needs"));
}

async::Task<Source> Gate::source(const http::Exchange& exchange, const Caller& caller,
                                 const oci::RepositoryName& name) const {
  const access::Principal principal = caller.principal();
  auto resolved =
      co_await at_work(exchange, services_, [&] { return services_.facts.resolve(principal, name); });
  Source found;
  if (!resolved || !resolved->repository ||
      !access::decide(principal, access::Action::pull, resolved->standing))
    co_return found;
  found.out_of_scope = caller.bearer && !caller.bearer->covers(name.render(), access::Action::pull);
  if (!found.out_of_scope) found.repository = resolved->repository;
  co_return found;
}

}  // namespace bulkhead::api

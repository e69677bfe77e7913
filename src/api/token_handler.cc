#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "access/tokens.h"
#include "api/errors.h"
#include "api/handlers.h"
#include "async/fair_pool.h"
#include "async/offload.h"
#include "audit/journal.h"
#include "base/log.h"
#include "http/request.h"
#include "identity/login/login.h"
#include "identity/login/registry_login.h"

namespace bulkhead::api {
namespace {

constexpr std::size_t kFormBytes = 64 << 10;

std::string_view value_of(const http::Parameters& parameters, std::string_view key) {
  for (const auto& [name, value] : parameters)
    if (name == key) return value;
  return {};
}

std::vector<std::string> scopes_of(const http::Parameters& parameters) {
  std::vector<std::string> scopes;
  for (const auto& [name, value] : parameters)
    if (name == "scope") scopes.push_back(value);
  return scopes;
}

http::Response no_store(http::Response response) {
  response.header("Cache-Control", "no-store");
  return response;
}

// RFC 6749 section 5.2.
http::Response oauth_error(unsigned status, std::string_view code, std::string_view description) {
  return no_store(json_response(
      status, fmt::format(R"({{"error":"{}","error_description":{}}})", code, json_quote(description))));
}

// A robot has no password, and nobody else has its kind of name: what is given for one can only be a token.
bool is_bearer(const BasicCredentials& credentials) {
  return credentials.name.find('+') != std::string::npos && credentials.password.reveal().starts_with("eyJ");
}

audit::Origin login_origin(const http::Exchange& exchange, std::string_view account) {
  audit::Origin origin;
  origin.account = account.substr(0, 255);
  origin.credential = "password";
  origin.address = exchange.address();
  origin.user_agent = exchange.request().header("User-Agent").value_or("").substr(0, kUserAgentBytes);
  origin.request_id = exchange.request_id;
  return origin;
}

}  // namespace

async::Task<http::Response> TokenHandler::handle(http::Exchange& exchange) {
  switch (exchange.request().method) {
    case http::Method::get: co_return co_await get(exchange);
    case http::Method::post: co_return co_await post(exchange);
    default: co_return method_not_allowed("GET, POST");
  }
}

async::Task<identity::RegistryLogIn::Outcome> TokenHandler::prove(const http::Exchange& exchange,
                                                                  const BasicCredentials& credentials,
                                                                  const audit::Origin& origin) {
  const Services& services = deps_.services;
  if (identity::RegistryLogIn::is_token(credentials.password)) {
    auto known = services.registry_login.peek_token(credentials.name, credentials.password, origin);
    if (known) co_return *std::move(known);
    co_return co_await at_work(exchange, services, [&] {
      return services.registry_login.verify_token(credentials.name, credentials.password, origin);
    });
  }
  if (auto admitted = services.login.admit(credentials.name, origin); !admitted) co_return admitted.error();
  if (services.login.remembers(credentials.name, credentials.password)) {
    std::optional<identity::RegistryLogIn::Outcome> known;
    const auto asked = co_await at_work(exchange, services, [&]() -> Result<void> {
      known = services.registry_login.recall_password(credentials.name, credentials.password, origin);
      return {};
    });
    if (!asked) co_return asked.error();
    if (known) co_return *std::move(known);
  }
  auto seat = services.passwords.seat(place_of(exchange, services, {.account = credentials.name}));
  co_return co_await async::offload(seat, [&] {
    return services.registry_login.verify_password(credentials.name, credentials.password, origin);
  });
}

async::Task<Result<TokenHandler::LoggedIn>> TokenHandler::prove_by_bearer(const http::Exchange& exchange,
                                                                          const BasicCredentials& credentials,
                                                                          const audit::Origin& origin) {
  const Services& services = deps_.services;
  const std::string& token = credentials.password.reveal();
  auto checked = services.tokens.peek(token, origin.address);
  if (!checked)
    checked =
        co_await at_work(exchange, services, [&] { return services.tokens.verify(token, origin.address); });
  if (!*checked && checked->error().code != Errc::unauthenticated) co_return checked->error();
  if (*checked && (**checked)->logs_in() && (**checked)->principal.account == credentials.name) {
    audit::Origin with_token = origin;
    with_token.credential = (**checked)->credential();
    services.login.succeeded(credentials.name, with_token);
    co_return LoggedIn(std::move(**checked));
  }
  // After the check, which is cheap: nobody is kept out whose token is good.
  if (auto admitted = services.login.admit_network(credentials.name, origin); !admitted)
    co_return admitted.error();
  services.login.failed(credentials.name, "wrong_bearer", origin);
  co_return Error(Errc::unauthenticated,
                  "the token is not one that its workload got for this robot, or is not valid any more");
}

async::Task<Result<TokenHandler::LoggedIn>> TokenHandler::log_in(http::Exchange& exchange,
                                                                 const BasicCredentials& credentials) {
  const audit::Origin origin = login_origin(exchange, credentials.name);
  if (is_bearer(credentials)) {
    auto who = co_await prove_by_bearer(exchange, credentials, origin);
    if (who) exchange.account = credentials.name;
    co_return who;
  }
  const auto proved = co_await prove(exchange, credentials, origin);
  if (!proved) co_return proved.error();
  exchange.account = proved->account.name;
  co_return LoggedIn(access::principal_of(proved->account, proved->token));
}

async::Task<http::Response> TokenHandler::issue(const http::Exchange& exchange, const LoggedIn& who,
                                                const std::vector<std::string>& scopes) {
  const auto requested = access::parse_scopes(scopes, deps_.options.token_scopes);
  access::Principal principal = who.principal;
  const std::string_view address = exchange.address();
  principal.address = address;
  auto issued = co_await at_work(exchange, deps_.services, [&] {
    return who.bearer ? deps_.services.tokens.issue(*who.bearer, requested, address)
                      : deps_.services.tokens.issue(principal, requested);
  });
  if (!issued) co_return error_response(issued.error());
  co_return no_store(json_response(
      200,
      fmt::format(
          R"({{"token":"{0}","access_token":"{0}","token_type":"Bearer","expires_in":{1},"issued_at":"{2}"}})",
          issued->token, issued->lifetime.count(), to_rfc3339(issued->issued_at))));
}

async::Task<http::Response> TokenHandler::get(http::Exchange& exchange) {
  // As forms write it, which is how programs do: a space is '+'. Nothing that is asked for here has one.
  const auto query = http::parse_form(exchange.request().query);
  if (!query) co_return error_response(400, "BAD_REQUEST", "the query is not properly encoded");
  const std::string_view service = value_of(*query, "service");
  if (!service.empty() && service != deps_.options.service)
    co_return error_response(
        400, "BAD_REQUEST",
        fmt::format("this is the token service of \"{}\", not of \"{}\"", deps_.options.service, service));
  const auto scopes = scopes_of(*query);
  const auto header = exchange.request().header("Authorization");
  if (!header) co_return co_await issue(exchange, LoggedIn(), scopes);

  const auto refuse = [&](const Error& error) {
    if (error.code != Errc::unauthenticated) return error_response(error);
    http::Response response = error_response(error);
    response.header("WWW-Authenticate", fmt::format("Basic realm=\"{}\"", deps_.options.service));
    return response;
  };
  const auto authorization = parse_authorization(*header);
  if (!authorization || authorization->scheme != "basic" || exchange.request().count("Authorization") > 1)
    co_return refuse({Errc::unauthenticated, "the token service takes a user name and password (Basic)"});
  const auto credentials = parse_basic(authorization->value);
  if (!credentials) co_return refuse(credentials.error());
  const auto who = co_await log_in(exchange, *credentials);
  if (!who) co_return refuse(who.error());
  co_return co_await issue(exchange, *who, scopes);
}

async::Task<http::Response> TokenHandler::post(http::Exchange& exchange) {
  const std::string_view type = exchange.request().header("Content-Type").value_or("");
  if (!http::equals_ignoring_case(type.substr(0, type.find(';')), "application/x-www-form-urlencoded"))
    co_return oauth_error(415, "invalid_request", "send the form as application/x-www-form-urlencoded");
  http::BodyMemory::Lease lease(deps_.bodies, holder_of(exchange));
  auto body = co_await exchange.read_all(kFormBytes, &lease);
  if (!body) co_return error_response(body.error());
  auto form = http::parse_form(*body);
  if (!form) co_return oauth_error(400, "invalid_request", "the form is not properly encoded");
  const std::string_view service = value_of(*form, "service");
  if (!service.empty() && service != deps_.options.service)
    co_return oauth_error(400, "invalid_request", "the form names another service");
  if (value_of(*form, "grant_type") != "password")
    co_return oauth_error(400, "unsupported_grant_type", "the grant types known here are: password");
  const BasicCredentials credentials{std::string(value_of(*form, "username")),
                                     Secret<>(std::string(value_of(*form, "password")))};
  const auto scopes = scopes_of(*form);
  if (credentials.name.empty()) co_return oauth_error(400, "invalid_request", "the form names no user");
  const auto who = co_await log_in(exchange, credentials);
  if (!who && who.error().code == Errc::unauthenticated)
    co_return oauth_error(401, "invalid_grant", who.error().message);
  if (!who) co_return error_response(who.error());
  co_return co_await issue(exchange, *who, scopes);
}

}  // namespace bulkhead::api

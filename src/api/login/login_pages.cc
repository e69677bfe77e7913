#include "api/login/login_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "api/caller.h"
#include "api/errors.h"
#include "api/login/browser.h"
#include "api/login/page.h"
#include "api/problem.h"
#include "async/lanes.h"
#include "async/offload.h"
#include "crypto/hash.h"
#include "identity/federation/login_providers.h"
#include "identity/federation/oidc_login.h"
#include "identity/secrets/token_format.h"

namespace bulkhead::api {
namespace {

using identity::OidcLogIn;
using Parameters = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kFormBytes = 4096;
constexpr std::size_t kMostParameters = 100;  // of an answer or a form; providers send a handful

std::string_view value_of(const Parameters& parameters, std::string_view key) {
  for (const auto& [name, value] : parameters)
    if (name == key) return value;
  return {};
}

// A parameter that is given twice means whatever its reader likes (RFC 6749 section 3.1).
std::optional<Parameters> read_parameters(std::string text) {
  // As forms encode it, and redirects too (RFC 6749 appendix B).
  std::ranges::replace(text, '+', ' ');
  // Before anything is made of them.
  if (std::cmp_greater_equal(std::ranges::count(text, '&'), kMostParameters)) return std::nullopt;
  auto parameters = http::parse_query(text);
  if (!parameters) return std::nullopt;
  std::vector<std::string_view> names;
  for (const auto& [name, value] : *parameters) names.push_back(name);
  std::ranges::sort(names);
  if (std::ranges::adjacent_find(names) != names.end()) return std::nullopt;
  return parameters;
}

audit::Origin origin_of(const http::Exchange& exchange) {
  audit::Origin origin;
  origin.address = exchange.address();
  origin.user_agent = exchange.request().header("User-Agent").value_or("").substr(0, kUserAgentBytes);
  origin.request_id = exchange.request_id;
  return origin;
}

// A browser keeps its binder for as long as it has log-ins under way, so that several tabs do not spoil each
// other's.
Secret<> binder_of(const http::Request& request) {
  const auto sent = cookie(request, kBinderCookie);
  if (!sent || !identity::token_is_well_formed(identity::kBinderPrefix, *sent)) return {};
  return Secret<>(std::string(*sent));
}

// Ties a form to the browser that it was shown in.
std::string form_mark(const Secret<>& binder) {
  return to_hex(as_bytes(
      crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(fmt::format("device-form:{}", binder.reveal())))));
}

std::string_view advice(Errc code) {
  switch (code) {
    case Errc::not_found:
    case Errc::unauthenticated: return "Go back to where you began, and log in again.";
    case Errc::conflict:
    case Errc::name_invalid: return "Ask an administrator of this registry to link the account.";
    case Errc::denied: return "If you should get in, ask an administrator of this registry.";
    case Errc::rate_limited: return "Wait a few minutes, and log in again.";
    case Errc::unavailable:
      return "Wait a moment, and log in again; if it stays like this, tell an administrator.";
    default: return "Tell an administrator of this registry.";
  }
}

unsigned status_of(Errc code) {
  // A 401 would have to name a scheme that the browser could ask for.
  return code == Errc::unauthenticated ? 403 : problem_kind(code).status;
}

http::Response problem_page(std::string_view host, const Error& error) {
  Page page;
  page.status = status_of(error.code);
  page.wait = error.retry_after;
  page.title = "You are not logged in";
  const std::string_view instead = said_instead(error, page.status);
  const std::string message(instead.empty() ? error.message : instead);
  page.body = html("<p role=\"alert\">What went wrong: {}.</p><p>{}</p>", message, advice(error.code));
  http::Response response = render(page, host);
  if (!instead.empty()) response.log_note = error.message;
  return response;
}

http::Response bad_request(std::string_view host, std::string_view why) {
  return problem_page(host, Error(Errc::invalid_argument, std::string(why)));
}

// What comes behind it is the name of a provider.
constexpr std::string_view kCallback = "/callback";

OidcLogIn::RedirectUri callbacks(const std::string& origin) {
  return [origin](std::string_view provider) { return login_callback_url(origin, provider); };
}

std::string escape_code(std::string_view code) {
  const auto parsed = identity::parse_user_code(code);
  return parsed ? identity::show_user_code(*parsed) : std::string();
}

Html code_form() {
  return "<form method=\"get\" action=\"/login/device\"><label for=\"user_code\">The code that the command "
         "line "
         "shows</label><input id=\"user_code\" name=\"user_code\" required maxlength=\"20\" "
         "autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" placeholder=\"WDJB-MJHT\">"
         "<button>Go on</button></form>";
}

// Whether another code may be the cure.
bool is_about_the_code(Errc code) {
  return code == Errc::not_found || code == Errc::unauthenticated || code == Errc::invalid_argument;
}

std::string capitalized(std::string_view sentence) {
  std::string out(sentence);
  if (!out.empty() && out.front() >= 'a' && out.front() <= 'z') out.front() -= 'a' - 'A';
  return out;
}

// Requests wait for minutes.
std::string ago(Time::duration since) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(since).count();
  if (minutes < 1) return "less than a minute ago";
  return minutes == 1 ? "a minute ago" : fmt::format("{} minutes ago", minutes);
}

}  // namespace

async::Task<http::Response> LoginPages::handle(http::Exchange& exchange, std::string_view path) {
  const http::Method method = exchange.request().method;
  const bool posts = path == "/device" && method == http::Method::post;
  if (method != http::Method::get && !posts) {
    http::Response response = bad_request(host_, "this address answers GET only");
    response.status = 405;
    response.header("Allow", path == "/device" ? "GET, POST" : "GET");
    co_return response;
  }
  const std::string origin = browser_origin(exchange.request(), options_, exchange.encrypted());
  if (origin.empty())
    co_return problem_page(host_,
                           Error(Errc::unsupported,
                                 "this registry does not know its own address; an administrator sets "
                                 "public_url, and until then you can log in at http://localhost only"));
  if (posts) co_return co_await answer(exchange, origin);
  if (path.empty() || path == "/") co_return co_await choose(exchange);
  if (path == kCallback || path.starts_with("/callback/")) {
    const std::string sender(path.substr(std::min(kCallback.size() + 1, path.size())));
    co_return co_await callback(exchange, sender, origin);
  }
  if (path == "/device") co_return co_await ask(exchange);
  const std::string provider(path.substr(1));
  co_return co_await depart(exchange, provider, origin);
}

async::Task<http::Response> LoginPages::choose(http::Exchange& exchange) const {
  const auto providers =
      co_await at_work(exchange, services_, [this] { return services_.login_providers.list(); });
  if (!providers) co_return problem_page(host_, providers.error());
  Page page;
  page.title = "Sign in";
  for (const identity::LoginProvider& provider : *providers)
    if (provider.enabled && provider.kind() == identity::ProviderKind::oidc)
      page.body += html("<p><a class=\"button\" href=\"/login/{0}\">Sign in with {0}</a></p>", provider.name);
  if (page.body.empty()) page.body = "<p>No provider is set up that a browser could log in with.</p>";
  co_return render(page, host_);
}

async::Task<http::Response> LoginPages::depart(http::Exchange& exchange, const std::string& provider,
                                               const std::string& origin) const {
  Secret<> binder = binder_of(exchange.request());
  if (binder.empty()) binder = identity::make_token(identity::kBinderPrefix);
  const audit::Origin from = origin_of(exchange);
  const OidcLogIn::RedirectUri back = callbacks(origin);
  const std::string known = co_await known_provider(exchange, provider);
  auto lane = services_.providers.lane(known, place_of(exchange, services_));
  const auto url =
      co_await async::offload(lane, [&] { return services_.oidc_login.begin(provider, binder, back, from); });
  if (!url) co_return problem_page(host_, url.error());
  Page page;
  page.status = 302;
  page.title = "Log in";
  page.body = html("<p><a href=\"{}\">Go on</a></p>", *url);
  http::Response response = render(page, host_);
  response.header("Location", *url);
  response.header("Set-Cookie", set_cookie(kBinderCookie, binder.reveal(), "Lax"));
  co_return response;
}

// Names that are no provider's wait together: strangers make up as many as they like.
async::Task<std::string> LoginPages::known_provider(const http::Exchange& exchange,
                                                    const std::string& name) const {
  const auto found =
      co_await at_work(exchange, services_, [&] { return services_.login_providers.find(name); });
  co_return found ? found->name : std::string();
}

async::Task<http::Response> LoginPages::callback(http::Exchange& exchange, const std::string& provider,
                                                 const std::string& origin) const {
  const auto parameters = read_parameters(std::string(exchange.request().query));
  if (!parameters) co_return bad_request(host_, "the provider's answer is not properly encoded");
  OidcLogIn::Callback sent;
  sent.provider = provider;
  sent.state = value_of(*parameters, "state");
  sent.code = Secret<>(std::string(value_of(*parameters, "code")));
  sent.error = value_of(*parameters, "error");
  sent.issuer = value_of(*parameters, "iss");
  const Secret<> binder = binder_of(exchange.request());
  const audit::Origin from = origin_of(exchange);
  const OidcLogIn::RedirectUri back = callbacks(origin);
  const auto began_with =
      co_await at_work(exchange, services_, [&] { return services_.oidc_login.provider_of(sent.state); });
  if (!began_with) co_return problem_page(host_, began_with.error());
  auto lane = services_.providers.lane(*began_with, place_of(exchange, services_));
  const auto finished =
      co_await async::offload(lane, [&] { return services_.oidc_login.finish(sent, binder, back, from); });
  if (!finished) co_return problem_page(host_, finished.error());
  exchange.account = finished->account;
  Page page;
  page.title = finished->session ? "You are logged in" : "The command line is logged in";
  page.body = html("<p>You are <strong>{}</strong> here.</p><p>You can close this page{}.</p>",
                   finished->account, finished->session ? "" : " and go back to the command line");
  http::Response response = render(page, host_);
  response.header("Set-Cookie", drop_cookie(kBinderCookie, "Lax"));
  if (finished->session)
    response.header("Set-Cookie", set_cookie(kSessionCookie, finished->session->secret.reveal(), "Strict"));
  co_return response;
}

async::Task<http::Response> LoginPages::ask(http::Exchange& exchange) const {
  const auto parameters = read_parameters(std::string(exchange.request().query));
  if (!parameters) co_return bad_request(host_, "the address is not properly encoded");
  const std::string code(value_of(*parameters, "user_code"));
  Page page;
  page.title = "Sign in to the command line";
  page.has_form = true;
  if (code.empty()) {
    page.body = code_form();
    co_return render(page, host_);
  }
  const audit::Origin from = origin_of(exchange);
  const auto waiting =
      co_await at_work(exchange, services_, [&] { return services_.oidc_login.waiting(code, from); });
  if (!waiting && is_about_the_code(waiting.error().code)) {
    page.status = status_of(waiting.error().code);
    page.body =
        html("<p role=\"alert\">{}. Look at the command line, and type the code that it shows now.</p>",
             capitalized(waiting.error().message));
    page.body += code_form();
    co_return render(page, host_);
  }
  if (!waiting) co_return problem_page(host_, waiting.error());
  Secret<> binder = binder_of(exchange.request());
  if (binder.empty()) binder = identity::make_token(identity::kBinderPrefix);
  page.body = html(
      "<p>Somebody asks to be signed in as you, with <strong>{0}</strong>:</p>"
      "<dl><dt>Code</dt><dd><code>{1}</code></dd><dt>Program</dt><dd>{2}</dd>"
      "<dt>Address</dt><dd>{3}</dd><dt>Asked</dt><dd>{4}</dd></dl>"
      "<p>Go on only if you have begun this yourself, and the code is the one that you see there.</p>"
      "<form method=\"post\" action=\"/login/device\"><input type=\"hidden\" name=\"user_code\" "
      "value=\"{1}\"><input type=\"hidden\" name=\"form\" value=\"{5}\">"
      "<button name=\"answer\" value=\"yes\">Sign in with {0}</button>"
      "<button class=\"stop\" name=\"answer\" value=\"no\">This was not me</button></form>",
      waiting->provider, escape_code(code), waiting->client, waiting->address,
      ago(services_.clock.now() - waiting->created_at), form_mark(binder));
  http::Response response = render(page, host_);
  response.header("Set-Cookie", set_cookie(kBinderCookie, binder.reveal(), "Lax"));
  co_return response;
}

async::Task<http::Response> LoginPages::answer(http::Exchange& exchange, const std::string& origin) const {
  const http::Request& request = exchange.request();
  http::BodyMemory::Lease lease(bodies_, holder_of(exchange));
  auto body = co_await exchange.read_all(kFormBytes, &lease);
  if (!body) co_return problem_page(host_, body.error());
  const auto form = read_parameters(*body);
  if (!form) co_return bad_request(host_, "the form is not properly encoded");
  const Secret<> binder = binder_of(request);
  const bool own_form =
      from_origin(request, origin) && !binder.empty() &&
      crypto::equal_in_constant_time(as_bytes(value_of(*form, "form")), as_bytes(form_mark(binder)));
  if (!own_form)
    co_return problem_page(host_,
                           Error(Errc::unauthenticated,
                                 "the answer does not come from this registry's page in this browser, or "
                                 "your browser keeps no cookies"));
  const std::string code(value_of(*form, "user_code"));
  const audit::Origin from = origin_of(exchange);
  Page page;
  if (value_of(*form, "answer") == "yes") {
    const OidcLogIn::RedirectUri back = callbacks(origin);
    const auto waiting =
        co_await at_work(exchange, services_, [&] { return services_.oidc_login.waiting(code, from); });
    if (!waiting) co_return problem_page(host_, waiting.error());
    auto lane = services_.providers.lane(waiting->provider, place_of(exchange, services_));
    const auto url =
        co_await async::offload(lane, [&] { return services_.oidc_login.confirm(code, binder, back, from); });
    if (!url) co_return problem_page(host_, url.error());
    page.title = "Go on to your provider";
    page.body = html("<p><a href=\"{}\">Go on</a></p>", *url);
    page.next = *url;
    co_return render(page, host_);
  }
  const auto refused =
      co_await at_work(exchange, services_, [&] { return services_.oidc_login.refuse(code, from); });
  if (!refused) co_return problem_page(host_, refused.error());
  page.title = "Refused";
  page.body = "<p>The command line is told that you refused it. Nobody was logged in.</p>";
  co_return render(page, host_);
}

}  // namespace bulkhead::api

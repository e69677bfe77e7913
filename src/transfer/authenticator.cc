#include "transfer/authenticator.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/bytes.h"
#include "base/percent.h"
#include "base/shown.h"
#include "oci/strict_json.h"
#include "transfer/challenge.h"

namespace bulkhead::transfer {
namespace {

constexpr std::size_t kTokens = 10'000;
constexpr std::size_t kTokenBytes = std::size_t{1} << 20;
constexpr std::chrono::seconds kLeastLifetime{60};  // where a service does not say (its specification)
constexpr std::chrono::seconds kMargin{10};

constexpr std::pair<std::string_view, std::string_view> kKnownServices[] = {
    {"registry-1.docker.io", "auth.docker.io"},
    {"registry.gitlab.com", "gitlab.com"},
};

}  // namespace

Authenticator::Authenticator(std::string registry_url, Access access)
    : url_(std::move(registry_url)),
      access_(std::move(access)),
      uses_basic_(access_.unasked && !anonymous()) {}

Secret<> Authenticator::basic() const {
  const Secret<> pair(access_.credentials.name + ":" + access_.credentials.password.reveal());
  return Secret<>("Basic " + to_base64(as_bytes(pair.reveal())));
}

Result<Secret<>> Authenticator::authorization(const std::string& scope, Connection& connection) {
  std::optional<Service> service;
  {
    const std::lock_guard lock(mutex_);
    if (uses_basic_) return basic();
    if (!service_) return Secret<>();
    const auto found = tokens_.find(scope);
    if (found != tokens_.end() && found->second.until > Clock::now())
      return Secret<>("Bearer " + found->second.text.reveal());
    service = service_;
  }
  if (auto fetched = fetch(*service, scope, connection); !fetched) return fetched.error();
  const std::lock_guard lock(mutex_);
  return Secret<>("Bearer " + tokens_.at(scope).text.reveal());
}

Result<void> Authenticator::challenged(const Answer& answer, const std::string& scope,
                                       Connection& connection) {
  std::vector<Challenge> challenges;
  const auto [begin, end] = answer.headers.equal_range("www-authenticate");
  for (auto line = begin; line != end; ++line)
    for (Challenge& each : parse_challenges(line->second)) challenges.push_back(std::move(each));
  for (Challenge& each : challenges) {
    if (each.scheme != "bearer") continue;
    const auto realm =
        resolve_url(url_, access_.token_service.empty() ? each.parameters["realm"] : access_.token_service);
    if (!realm) return realm.error();
    if (auto good = check_realm(*realm); !good) return good.error();
    const Service service{*realm, each.parameters["service"]};
    {
      const std::lock_guard lock(mutex_);
      service_ = service;
      tokens_.erase(scope);
    }
    return fetch(service, scope, connection);
  }
  const bool basic_asked = std::ranges::any_of(challenges, [](const auto& c) { return c.scheme == "basic"; });
  if (basic_asked && !anonymous()) {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(uses_basic_, true)) return {};
  }
  return Error{Errc::unauthenticated,
               anonymous() ? fmt::format("{} asks for a log-in", shown(host_of(url_)))
                           : fmt::format("{} does not take the name and password of {}", shown(host_of(url_)),
                                         shown(access_.credentials.name))};
}

Result<void> Authenticator::check_realm(const std::string& realm) const {
  const auto origin = origin_of(realm);
  if (!origin) return origin.error();
  const std::string own = host_of(url_);
  const std::string host = host_of(realm);
  if (url_.starts_with("https:") && !realm.starts_with("https:"))
    return Error{Errc::denied, fmt::format("{} has its token service without TLS, which is not asked", own)};
  if (host == own || std::ranges::find(access_.token_hosts, host) != access_.token_hosts.end() ||
      std::ranges::find(kKnownServices, std::pair<std::string_view, std::string_view>(own, host)) !=
          std::end(kKnownServices))
    return {};
  return Error{Errc::denied,
               fmt::format("{0} has its token service at {1}, which is another host; if it is meant "
                           "to be asked, say so: --source-token-host {1}",
                           shown(own), shown(host))};
}

Result<void> Authenticator::fetch(const Service& service, const std::string& scope, Connection& connection) {
  Request request;
  request.url = service.realm;
  char joint = request.url.find('?') == std::string::npos ? '?' : '&';
  const auto add = [&](std::string_view name, std::string_view value) {
    request.url += fmt::format("{}{}={}", std::exchange(joint, '&'), name, percent_encode(value));
  };
  if (!service.service.empty()) add("service", service.service);
  for (std::string_view rest = scope; !rest.empty();) {
    const auto space = std::min(rest.find(' '), rest.size());
    add("scope", rest.substr(0, space));
    rest.remove_prefix(std::min(space + 1, rest.size()));
  }
  if (!anonymous()) {
    add("account", access_.credentials.name);
    request.authorization = basic();
  }
  request.largest_body = kTokenBytes;
  auto answer = connection.send(request);
  if (!answer) return answer.error();
  const std::string host = shown(host_of(service.realm));
  if (answer->status == 401 || answer->status == 403)
    return Error{Errc::unauthenticated, anonymous()
                                            ? fmt::format("{} asks for a log-in", host)
                                            : fmt::format("{} does not take the name and password of {}",
                                                          host, shown(access_.credentials.name))};
  if (answer->status == 429 || answer->status >= 500)
    return Error{answer->status == 429 ? Errc::rate_limited : Errc::unavailable,
                 fmt::format("{} answered {} when it was asked for a token", host, answer->status),
                 answer->retry_after};
  const auto parsed = oci::parse_strict_json(answer->body);
  const auto* object = answer->status == 200 && parsed ? parsed->if_object() : nullptr;
  const Secret<> wiped(std::move(answer->body));
  const auto text = [object](const char* key) -> std::string {
    const auto* value = object == nullptr ? nullptr : object->if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  Secret<> token(text("token").empty() ? text("access_token") : text("token"));
  if (token.empty() || token.reveal().find_first_of("\r\n") != std::string::npos)
    return Error{Errc::unavailable, fmt::format("{} answered {} without a token", host, answer->status)};
  std::chrono::seconds lifetime = kLeastLifetime;
  if (const auto* value = object->if_contains("expires_in"); value != nullptr && value->is_int64())
    lifetime =
        std::clamp(std::chrono::seconds(value->get_int64()), kLeastLifetime, std::chrono::seconds(86400));
  const std::lock_guard lock(mutex_);
  if (tokens_.size() >= kTokens) tokens_.clear();
  tokens_.insert_or_assign(scope, Token{std::move(token), Clock::now() + lifetime - kMargin});
  return {};
}

}  // namespace bulkhead::transfer

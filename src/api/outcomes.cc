#include "api/outcomes.h"

namespace bulkhead::api {
namespace {

constexpr unsigned kForbidden = 403;
constexpr unsigned kTooMany = 429;

// Where people log in to the management API.
constexpr std::string_view kSessions = "/api/v1/sessions";

}  // namespace

void Outcomes::observe(std::string_view route, http::Method method, std::string_view path, unsigned status,
                       std::string_view account) {
  const bool done = status / 100 == 2;
  if (status == kForbidden) count(Kind::denial);
  if (route == "manifest" && done && method == http::Method::get) count(Kind::pull);
  if (route == "manifest" && done && method == http::Method::put) count(Kind::push);
  // A token for nobody is no log-in.
  if (route == "token") count_login(status, !account.empty());
  if (route == "management" && method == http::Method::post && path == kSessions) count_login(status, true);
}

void Outcomes::count_login(unsigned status, bool let_in) {
  if (status / 100 == 2 && let_in) count(Kind::logged_in);
  if (status == 401) count(Kind::login_refused);
  if (status == kTooMany) count(Kind::login_limited);
}

void Outcomes::add_to(Metrics& metrics) const {
  struct Shown {
    Kind kind;
    std::string_view name;
    std::string_view help;
  };
  static constexpr Shown kShown[] = {
      {Kind::pull, "bulkhead_pulls_total", "Manifests that were given to clients."},
      {Kind::push, "bulkhead_pushes_total", "Manifests that were taken in."},
      {Kind::denial, "bulkhead_denials_total", "Requests of whoever may not do what they asked for (403)."},
      {Kind::logged_in, "bulkhead_logins_total{outcome=\"accepted\"}",
       "Log-ins with passwords and tokens, by what became of them."},
      {Kind::login_refused, "bulkhead_logins_total{outcome=\"refused\"}", ""},
      {Kind::login_limited, "bulkhead_logins_total{outcome=\"limited\"}", ""},
  };
  for (const Shown& shown : kShown)
    metrics.add(shown.name, "counter", shown.help, [&value = counts_[static_cast<std::size_t>(shown.kind)]] {
      return static_cast<double>(value.load(std::memory_order_relaxed));
    });
}

}  // namespace bulkhead::api

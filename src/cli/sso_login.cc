#include "cli/sso_login.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "base/say.h"
#include "base/secret.h"
#include "cli/terminal.h"
#include "identity/factors/qr.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kSlower{5};        // RFC 8628 section 3.5
constexpr seconds kLongestWait{60};  // whatever a server says
constexpr seconds kLongestLogIn{3600};

std::string text(const json::value& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

seconds seconds_of(const json::value& object, std::string_view key, seconds most) {
  return std::clamp(seconds(object.at(key).to_number<std::int64_t>()), seconds(1), most);
}

void show(const json::value& begun) {
  const std::string complete = text(begun, "verification_uri_complete");
  if (::isatty(STDERR_FILENO) == 1 && locale_has_utf8())
    if (const auto drawing = identity::qr_for_terminal(Secret<>(complete)))
      tell_exactly(drawing->reveal() + "\n");
  tell("Open {} in a browser, and compare the code there: {}\n", complete, text(begun, "user_code"));
}

// Errors that mean to go on asking (api_client.cc).
bool goes_on(const Error& error) {
  return error.code == Errc::conflict || error.code == Errc::rate_limited || error.code == Errc::unavailable;
}

}  // namespace

Result<std::string> login_provider_kind(ApiClient& client, const std::string& provider) {
  const auto ways = client.get("/login");
  if (!ways) return ways.error();
  std::string names;
  for (const json::value& way : ways->at("providers").as_array()) {
    if (text(way, "name") == provider) return text(way, "kind");
    names += (names.empty() ? "" : ", ") + text(way, "name");
  }
  return Error{Errc::not_found, fmt::format("the server has no log-in provider {}; it has: {}", provider,
                                            names.empty() ? "none" : names)};
}

Result<json::value> log_in_with_browser(ApiClient& client, const std::string& provider) {
  const auto begun = client.create("/login/device", {{"provider", provider}});
  if (!begun) return begun.error();
  show(*begun);
  seconds interval = seconds_of(*begun, "interval", kLongestWait);
  const auto deadline = steady_clock::now() + seconds_of(*begun, "expires_in", kLongestLogIn);
  while (steady_clock::now() < deadline) {
    std::this_thread::sleep_for(interval);
    auto answer = client.create("/login/device/token", {{"device_code", begun->at("device_code")}});
    if (answer || !goes_on(answer.error())) return answer;
    if (answer.error().code == Errc::rate_limited) interval = std::min(interval + kSlower, kLongestWait);
  }
  return Error{Errc::timeout, "nobody finished the log-in in the browser; begin again"};
}

}  // namespace bulkhead::cli

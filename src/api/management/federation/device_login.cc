// /login/device: log-ins of devices, such as the command line, with a browser's help (RFC 8628).
#include <fmt/format.h>

#include "api/login/browser.h"
#include "api/management/credentials/sessions.h"
#include "api/management/operation.h"
#include "api/management/vocabulary.h"
#include "api/problem.h"
#include "identity/federation/oidc_login.h"
#include "identity/people/accounts.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using Progress = identity::LoginRequests::Progress;

constexpr Schema kUrl = text(1, 1024, kVisible, "uri");
constexpr Schema kUserCode = text(9, 9, kVisible);
constexpr Schema kDeviceCode = secret_text(200);

constexpr Field kBeginFields[] = {
    {"provider", &kGivenName, "The OpenID provider to log in with; GET /api/v1/login lists them", kRequired},
};
constexpr Schema kBegin = object("DeviceLogIn", kBeginFields);
constexpr Field kBegunFields[] = {
    {"device_code", &kSecret, "For the token request; shown this once", kRequired},
    {"user_code", &kUserCode, "For the person to compare, or to enter", kRequired},
    {"verification_uri", &kUrl, "Where the person goes with it", kRequired},
    {"verification_uri_complete", &kUrl, "The same with the code in it", kRequired},
    {"expires_in", &kSeconds, "Seconds until it is too late", kRequired},
    {"interval", &kSeconds, "Seconds to wait between two token requests, at least", kRequired},
};
constexpr Schema kBegun = object("DeviceLogInBegun", kBegunFields);
constexpr Field kTokenFields[] = {{"device_code", &kDeviceCode, "", kRequired}};
constexpr Schema kTokenRequest = object("DeviceTokenRequest", kTokenFields);

Result<Reply> begin(Call& call) {
  // Whoever asks at another machine would be sent to their own.
  if (call.browser_origin.empty()) return Error{Errc::unsupported, std::string(kOwnAddressUnknown)};
  const auto begun = call.services.oidc_login.begin_device(*call.text("provider"), call.origin);
  if (!begun) return begun.error();
  const std::string page = call.browser_origin + "/login/device";
  const std::string code = identity::show_user_code(begun->user_code.reveal());
  return Reply(json::object{{"device_code", begun->device_code.reveal()},
                            {"user_code", code},
                            {"verification_uri", page},
                            {"verification_uri_complete", fmt::format("{}?user_code={}", page, code)},
                            {"expires_in", begun->lifetime.count()},
                            {"interval", begun->interval.count()}});
}

Reply not_yet(const ProblemKind& kind, std::string_view detail) {
  Reply reply;
  reply.problem = kind;
  reply.detail = detail;
  return reply;
}

Result<Reply> token(Call& call) {
  const auto polled = call.services.oidc_login.poll(call.secret("device_code"), call.origin);
  if (!polled) return polled.error();
  switch (polled->progress) {
    case Progress::pending:
      return not_yet(kAuthorizationPending, "the person has not finished in the browser; ask again");
    case Progress::slow_down: return not_yet(kSlowDown, "ask again, and wait five seconds longer each time");
    case Progress::refused:
      return not_yet(kAccessDenied, "the log-in was refused, or failed, in the browser");
    case Progress::expired: return not_yet(kExpiredToken, "the log-in took too long; begin again");
    case Progress::unknown:
      return not_yet(kInvalidGrant, "the device code is not one, or was used before; begin again");
    case Progress::approved: break;
  }
  const auto account = call.services.accounts.find(polled->account);
  if (!account) return account.error();
  return started_reply(call, *account, *polled->session);
}

constexpr Operation kOperations[] = {
    {.method = http::Method::post,
     .path = "/login/device",
     .id = "beginDeviceLogIn",
     .tag = "sessions",
     .summary = "Begin a log-in that a person finishes in a browser",
     .permission = kAnyone,
     .request = &kBegin,
     .response = &kBegun,
     .secret = true,
     .handler = begin},
    {.method = http::Method::post,
     .path = "/login/device/token",
     .id = "finishDeviceLogIn",
     .tag = "sessions",
     .summary = "Ask for the session of such a log-in; problems tell how far it is, as in RFC 8628",
     .permission = kAnyone,
     .request = &kTokenRequest,
     .status = 201,
     .response = &kStartedSession,
     .secret = true,
     .handler = token},
};

}  // namespace

std::span<const Operation> device_login_operations() { return kOperations; }

}  // namespace bulkhead::api::management

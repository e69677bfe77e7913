// POST /setup: the first administrator.
#include "identity/login/setup.h"
#include "api/management/operation.h"
#include "api/management/people/users.h"

namespace bulkhead::api::management {
namespace {

constexpr Schema kToken = secret_text(200);
constexpr Schema kName = text(1, 255);
constexpr Schema kPassword = secret_text(4096);
constexpr Field kRequestFields[] = {
    {"token", &kToken, "The setup token that the server printed, bhsetup_…", kRequired},
    {"name", &kName, "The administrator's name, also the name of a namespace", kRequired},
    {"password", &kPassword, "8 to 128 characters", kRequired},
};
constexpr Schema kRequest = object("Setup", kRequestFields);

Result<Reply> set_up(Call& call) {
  audit::Origin origin = call.origin;
  origin.credential = "setup-token";
  origin.account = *call.text("name");
  auto account =
      call.services.setup.redeem(call.secret("token"), *call.text("name"), call.secret("password"), origin);
  if (!account) return account.error();
  Reply reply(represent(*account));
  reply.location = user_path(account->name);
  return reply;
}

constexpr Operation kOperations[] = {
    {.method = http::Method::post,
     .path = "/setup",
     .id = "setUp",
     .tag = "setup",
     .summary = "Make the first administrator, once",
     .permission = kAnyone,
     .request = &kRequest,
     .status = 201,
     .response = &kUser,
     .slow = true,
     .handler = set_up},
};

}  // namespace

std::span<const Operation> setup_operations() { return kOperations; }

}  // namespace bulkhead::api::management

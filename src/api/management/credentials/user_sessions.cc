// /users/{user}/sessions: log-ins of somebody, for themselves and for those who watch over the installation.
#include "api/management/credentials/sessions.h"
#include "api/management/permission.h"
#include "identity/people/accounts.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;

Result<Reply> list_sessions_of(Call& call) {
  const auto account = call.services.accounts.find(call.path("user"));
  if (!account) return account.error();
  const auto sessions = call.services.sessions.list(account->id);
  if (!sessions) return sessions.error();
  json::array items;
  for (const identity::Session& session : *sessions) {
    auto item = represent_session(session, call);
    if (!item) return item.error();
    items.push_back(*std::move(item));
  }
  return Reply(json::object{{"items", std::move(items)}});
}

Result<Reply> end_session_of(Call& call) {
  const auto account = call.services.accounts.find(call.path("user"));
  if (!account) return account.error();
  auto ended = call.services.sessions.end(account->id, call.number("session"), call.origin);
  if (!ended) return ended.error();
  return Reply();
}

Result<Reply> end_all(Call& call) {
  const auto account = call.services.accounts.find(call.path("user"));
  if (!account) return account.error();
  const auto ended = call.services.sessions.end_all(account->id, call.origin);
  if (!ended) return ended.error();
  return Reply();
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/users/{user}/sessions",
     .id = "listUserSessions",
     .tag = "sessions",
     .summary = "The sessions of an account",
     .permission = kSelf || SystemAction::read_directory,
     .response = &kSessionList,
     .handler = list_sessions_of},
    {.method = http::Method::delete_,
     .path = "/users/{user}/sessions",
     .id = "endSessions",
     .tag = "sessions",
     .summary = "End all sessions of an account",
     .permission = kSelf || SystemAction::contain_incident,
     .status = 204,
     .handler = end_all},
    {.method = http::Method::delete_,
     .path = "/users/{user}/sessions/{session}",
     .id = "endUserSession",
     .tag = "sessions",
     .summary = "End one session of an account",
     .permission = kSelf || SystemAction::contain_incident,
     .status = 204,
     .handler = end_session_of},
};

}  // namespace

std::span<const Operation> user_session_operations() { return kOperations; }

}  // namespace bulkhead::api::management

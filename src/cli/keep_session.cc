#include "cli/keep_session.h"

namespace bulkhead::cli {
namespace {

constexpr std::int64_t kRetrySeconds = 300;

}  // namespace

void keep_session(ApiClient& client, LoginStore& store, const std::string& server, std::int64_t now) {
  const auto found = store.sessions().find(server);
  if (found == store.sessions().end() || found->second.refresh_at == 0 || now < found->second.refresh_at)
    return;
  const auto answer = client.send({.method = "POST", .path = "/sessions/current/refresh"});
  std::int64_t next = now + kRefreshSeconds;
  if (!answer) next = answer.error().code == Errc::conflict ? 0 : now + kRetrySeconds;
  const Secret<> asked(found->second.token.reveal());
  // Lost, it is only asked for again. A log-in of meanwhile has a session, and a time, of its own.
  static_cast<void>(store.update([&](LoginStore& fresh) {
    const auto now_there = fresh.sessions().find(server);
    if (now_there != fresh.sessions().end() && now_there->second.token.reveal() == asked.reveal())
      fresh.set_refresh(server, next);
  }));
}

}  // namespace bulkhead::cli

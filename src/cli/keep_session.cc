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
  store.set_refresh(server, next);
  // Lost, it is only asked for again.
  static_cast<void>(store.save());
}

}  // namespace bulkhead::cli

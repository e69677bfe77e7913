// What evidence is made of. One shape for changes (kept in the database, in the change's own transaction) and for
// observations such as pulls, denials and failed log-ins (kept in the journal).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace bulkhead::audit {

// Where a request came from; every state-changing operation takes one.
struct Origin {
  std::string account;     // "" for nobody
  std::string credential;  // what proved it: "password", "bearer:<token id>", "setup-token", "operator"; never a secret
  std::string address;     // the client's IP address, or "local" for the operator's socket
  std::string user_agent;
  std::string request_id;
};

enum class Action : std::uint8_t {
  // Changes.
  account_created = 1,
  account_disabled,
  account_enabled,
  account_password_changed,
  account_role_changed,
  setup_token_created,
  setup_token_used,
  repository_created,
  repository_visibility_changed,
  repository_policy_changed,
  repository_deleted,
  namespace_quota_changed,
  grant_set,
  grant_removed,
  blob_pushed,
  blob_mounted,
  blob_deleted,
  manifest_pushed,
  manifest_deleted,
  tag_set,
  tag_deleted,
  // Observations.
  manifest_pulled = 64,
  blob_pulled,
  request_denied,
  login_succeeded,
  login_failed,
};
std::string_view name(Action action);  // "tag_set"
Result<Action> parse_action(std::string_view text);

struct Event {
  Time at{};
  Action action{};
  Origin origin;
  std::string repository;  // name, or ""
  std::string target;      // the tag, digest, account or other thing acted on
  std::string old_digest;  // "" where there was none
  std::string new_digest;
  std::string detail;      // a short word or JSON object for what the other fields do not say
};

// One line of JSON, the form that `bulkhead audit --json` prints. `id` is the database's, 0 for journal events.
std::string to_json(const Event& event, std::int64_t id);

}  // namespace bulkhead::audit

// What evidence is made of. One shape for changes (kept in the database, in the change's own transaction) and
// for observations such as pulls, denials and failed log-ins (kept in the journal). docs/formats/events.md
// lists the actions and what each field holds for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace bulkhead::audit {

// Where a request came from; every state-changing operation takes one.
struct Origin {
  std::string account;     // "" for nobody
  std::string credential;  // what proved it: "password", "bearer:<token id>", "token:<number>",
                           // "setup-token", "operator"; never a secret
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
  account_locked,
  account_profile_changed,
  account_renamed,
  account_deleted,
  organization_created,
  organization_renamed,
  organization_changed,
  organization_deleted,
  organization_member_set,
  organization_member_removed,
  team_created,
  team_changed,
  team_deleted,
  team_member_added,
  team_member_removed,
  robot_created,
  robot_deleted,
  invitation_created,
  invitation_ended,
  repository_owner_changed = 41,
  repository_contact_changed,
  repository_renamed,
  access_token_created = 49,
  access_token_revoked,
  access_token_rotated,
  credential_reported_leaked,
  session_started,
  session_ended,
  policy_changed,
  // Observations: 64 to 99.
  manifest_pulled = 64,
  blob_pulled,
  request_denied,
  login_succeeded,
  login_failed,
  // Further changes.
  totp_begun = 100,
  totp_enrolled,
  totp_removed,
  recovery_codes_created,
  recovery_code_used,
  webauthn_credential_added,
  webauthn_credential_removed,
  webauthn_counter_regressed,
  mfa_reset,
  workload_trust_created = 110,
  workload_trust_removed,
  workload_token_exchanged,
  key_rotated = 120,
  key_retired,
  secrets_resealed,
  data_key_created,
  keyring_protection_changed,
  keyring_accepted,
  schema_upgraded,
  login_provider_created = 130,
  login_provider_changed,
  login_provider_removed,
  group_mapping_added,
  group_mapping_removed,
  external_identity_linked,
  external_identity_unlinked,
  session_refreshed,
  login_limits_lifted = 142,
  upload_cancelled = 144,
};
std::string_view name(Action action);  // "tag_set"
Result<Action> parse_action(std::string_view text);
std::vector<std::string> action_names();
bool is_known(Action action);
// Whether it belongs to the database, with what it changed, and not to the journal.
inline bool is_change(Action action) {
  const auto number = static_cast<std::uint8_t>(action);
  return number < 64 || number >= 100;
}

struct Event {
  Time at{};
  Action action{};
  Origin origin;
  std::string repository;  // name, or ""
  std::string target;      // the tag, digest, account or other thing acted on
  std::string old_digest;  // "" where there was none
  std::string new_digest;
  std::string detail;  // a short word or JSON object for what the other fields do not say
};

// An event whose texts belong to someone else: what the hot path fills without allocating.
struct EventView {
  Time at{};
  Action action{};
  std::string_view account;
  std::string_view credential;
  std::string_view address;
  std::string_view user_agent;
  std::string_view request_id;
  std::string_view repository;
  std::string_view target;
  std::string_view old_digest;
  std::string_view new_digest;
  std::string_view detail;
};
EventView view(const Event& event);  // valid as long as `event` is neither changed nor gone
Event to_event(const EventView& event);

// Longer texts are cut to this many bytes, the cut marked by a closing "…": clients choose some of these
// texts, and evidence has a budget.
inline constexpr std::size_t kMaxTextBytes = 1024;
inline constexpr std::size_t kMaxDetailBytes = 4096;

// One line of JSON, the form that `bulkhead audit --json` prints. `id` is the database's, 0 for journal
// events. Keys stand in one order; empty texts and a zero id are left out; bytes that are not UTF-8 become
// U+FFFD.
std::string to_json(const Event& event, std::int64_t id);

}  // namespace bulkhead::audit

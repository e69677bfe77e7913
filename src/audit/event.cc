#include "audit/event.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/log.h"

namespace bulkhead::audit {
namespace {

constexpr std::array kActions = {
    std::pair{Action::account_created, std::string_view("account_created")},
    std::pair{Action::account_disabled, std::string_view("account_disabled")},
    std::pair{Action::account_enabled, std::string_view("account_enabled")},
    std::pair{Action::account_password_changed, std::string_view("account_password_changed")},
    std::pair{Action::account_role_changed, std::string_view("account_role_changed")},
    std::pair{Action::setup_token_created, std::string_view("setup_token_created")},
    std::pair{Action::setup_token_used, std::string_view("setup_token_used")},
    std::pair{Action::repository_created, std::string_view("repository_created")},
    std::pair{Action::repository_visibility_changed, std::string_view("repository_visibility_changed")},
    std::pair{Action::repository_policy_changed, std::string_view("repository_policy_changed")},
    std::pair{Action::repository_deleted, std::string_view("repository_deleted")},
    std::pair{Action::namespace_quota_changed, std::string_view("namespace_quota_changed")},
    std::pair{Action::grant_set, std::string_view("grant_set")},
    std::pair{Action::grant_removed, std::string_view("grant_removed")},
    std::pair{Action::blob_pushed, std::string_view("blob_pushed")},
    std::pair{Action::blob_mounted, std::string_view("blob_mounted")},
    std::pair{Action::blob_deleted, std::string_view("blob_deleted")},
    std::pair{Action::manifest_pushed, std::string_view("manifest_pushed")},
    std::pair{Action::manifest_deleted, std::string_view("manifest_deleted")},
    std::pair{Action::tag_set, std::string_view("tag_set")},
    std::pair{Action::tag_deleted, std::string_view("tag_deleted")},
    std::pair{Action::account_locked, std::string_view("account_locked")},
    std::pair{Action::account_profile_changed, std::string_view("account_profile_changed")},
    std::pair{Action::account_renamed, std::string_view("account_renamed")},
    std::pair{Action::account_deleted, std::string_view("account_deleted")},
    std::pair{Action::organization_created, std::string_view("organization_created")},
    std::pair{Action::organization_renamed, std::string_view("organization_renamed")},
    std::pair{Action::organization_changed, std::string_view("organization_changed")},
    std::pair{Action::organization_deleted, std::string_view("organization_deleted")},
    std::pair{Action::organization_member_set, std::string_view("organization_member_set")},
    std::pair{Action::organization_member_removed, std::string_view("organization_member_removed")},
    std::pair{Action::team_created, std::string_view("team_created")},
    std::pair{Action::team_changed, std::string_view("team_changed")},
    std::pair{Action::team_deleted, std::string_view("team_deleted")},
    std::pair{Action::team_member_added, std::string_view("team_member_added")},
    std::pair{Action::team_member_removed, std::string_view("team_member_removed")},
    std::pair{Action::robot_created, std::string_view("robot_created")},
    std::pair{Action::robot_deleted, std::string_view("robot_deleted")},
    std::pair{Action::invitation_created, std::string_view("invitation_created")},
    std::pair{Action::invitation_ended, std::string_view("invitation_ended")},
    std::pair{Action::repository_owner_changed, std::string_view("repository_owner_changed")},
    std::pair{Action::repository_contact_changed, std::string_view("repository_contact_changed")},
    std::pair{Action::repository_renamed, std::string_view("repository_renamed")},
    std::pair{Action::access_token_created, std::string_view("access_token_created")},
    std::pair{Action::access_token_revoked, std::string_view("access_token_revoked")},
    std::pair{Action::access_token_rotated, std::string_view("access_token_rotated")},
    std::pair{Action::credential_reported_leaked, std::string_view("credential_reported_leaked")},
    std::pair{Action::session_started, std::string_view("session_started")},
    std::pair{Action::session_ended, std::string_view("session_ended")},
    std::pair{Action::policy_changed, std::string_view("policy_changed")},
    std::pair{Action::totp_begun, std::string_view("totp_begun")},
    std::pair{Action::totp_enrolled, std::string_view("totp_enrolled")},
    std::pair{Action::totp_removed, std::string_view("totp_removed")},
    std::pair{Action::recovery_codes_created, std::string_view("recovery_codes_created")},
    std::pair{Action::recovery_code_used, std::string_view("recovery_code_used")},
    std::pair{Action::webauthn_credential_added, std::string_view("webauthn_credential_added")},
    std::pair{Action::webauthn_credential_removed, std::string_view("webauthn_credential_removed")},
    std::pair{Action::webauthn_counter_regressed, std::string_view("webauthn_counter_regressed")},
    std::pair{Action::mfa_reset, std::string_view("mfa_reset")},
    std::pair{Action::manifest_pulled, std::string_view("manifest_pulled")},
    std::pair{Action::blob_pulled, std::string_view("blob_pulled")},
    std::pair{Action::request_denied, std::string_view("request_denied")},
    std::pair{Action::login_succeeded, std::string_view("login_succeeded")},
    std::pair{Action::login_failed, std::string_view("login_failed")},
    std::pair{Action::workload_trust_created, std::string_view("workload_trust_created")},
    std::pair{Action::workload_trust_removed, std::string_view("workload_trust_removed")},
    std::pair{Action::workload_token_exchanged, std::string_view("workload_token_exchanged")},
    std::pair{Action::key_rotated, std::string_view("key_rotated")},
    std::pair{Action::key_retired, std::string_view("key_retired")},
    std::pair{Action::secrets_resealed, std::string_view("secrets_resealed")},
    std::pair{Action::data_key_created, std::string_view("data_key_created")},
    std::pair{Action::keyring_protection_changed, std::string_view("keyring_protection_changed")},
    std::pair{Action::keyring_accepted, std::string_view("keyring_accepted")},
    std::pair{Action::schema_upgraded, std::string_view("schema_upgraded")},
    std::pair{Action::login_provider_created, std::string_view("login_provider_created")},
    std::pair{Action::login_provider_changed, std::string_view("login_provider_changed")},
    std::pair{Action::login_provider_removed, std::string_view("login_provider_removed")},
    std::pair{Action::group_mapping_added, std::string_view("group_mapping_added")},
    std::pair{Action::group_mapping_removed, std::string_view("group_mapping_removed")},
    std::pair{Action::external_identity_linked, std::string_view("external_identity_linked")},
    std::pair{Action::external_identity_unlinked, std::string_view("external_identity_unlinked")},
    std::pair{Action::session_refreshed, std::string_view("session_refreshed")},
    std::pair{Action::login_limits_lifted, std::string_view("login_limits_lifted")},
    std::pair{Action::upload_cancelled, std::string_view("upload_cancelled")},
};

}  // namespace

std::string_view name(Action action) {
  for (const auto& [value, text] : kActions)
    if (value == action) return text;
  return "unknown";
}

Result<Action> parse_action(std::string_view text) {
  std::string known;
  for (const auto& [value, spelling] : kActions) {
    if (spelling == text) return value;
    known += known.empty() ? "" : ", ";
    known += spelling;
  }
  return Error{Errc::invalid_argument,
               fmt::format("{} is not an action; the actions are {}", json_quote(text), known)};
}

std::vector<std::string> action_names() {
  std::vector<std::string> names;
  for (const auto& entry : kActions) names.emplace_back(entry.second);
  return names;
}

bool is_known(Action action) {
  for (const auto& entry : kActions)
    if (entry.first == action) return true;
  return false;
}

EventView view(const Event& event) {
  return {.at = event.at,
          .action = event.action,
          .account = event.origin.account,
          .credential = event.origin.credential,
          .address = event.origin.address,
          .user_agent = event.origin.user_agent,
          .request_id = event.origin.request_id,
          .repository = event.repository,
          .target = event.target,
          .old_digest = event.old_digest,
          .new_digest = event.new_digest,
          .detail = event.detail};
}

Event to_event(const EventView& event) {
  return {.at = event.at,
          .action = event.action,
          .origin = {.account = std::string(event.account),
                     .credential = std::string(event.credential),
                     .address = std::string(event.address),
                     .user_agent = std::string(event.user_agent),
                     .request_id = std::string(event.request_id)},
          .repository = std::string(event.repository),
          .target = std::string(event.target),
          .old_digest = std::string(event.old_digest),
          .new_digest = std::string(event.new_digest),
          .detail = std::string(event.detail)};
}

std::string to_json(const Event& event, std::int64_t id) {
  std::string line = "{";
  if (id != 0) line += fmt::format(R"("id":{},)", id);
  line += fmt::format(R"("time":"{}","action":"{}")", to_rfc3339(event.at), name(event.action));
  const auto text = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) line += fmt::format(R"(,"{}":{})", key, json_quote(value));
  };
  text("account", event.origin.account);
  text("credential", event.origin.credential);
  text("address", event.origin.address);
  text("user_agent", event.origin.user_agent);
  text("request_id", event.origin.request_id);
  text("repository", event.repository);
  text("target", event.target);
  text("old_digest", event.old_digest);
  text("new_digest", event.new_digest);
  text("detail", event.detail);
  line += "}";
  return line;
}

}  // namespace bulkhead::audit

// How log-in providers are read from their table, and what is written there. Internal to identity/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"
#include "identity/federation/login_provider.h"

namespace bulkhead::identity {

// The columns that provider_from() reads, from the table login_providers.
inline constexpr std::string_view kProviderColumns =
    "id, name, kind, enabled, settings, CASE WHEN sealed = '' THEN 0 ELSE 1 END, created_at";

// Errc::corrupt for settings that are not what render_settings() writes.
Result<LoginProvider> provider_from(const db::Row& row);
Error no_provider(std::int64_t id);
Result<LoginProvider> read_provider(db::Session& session, std::int64_t id);

// The column `settings`: a JSON object of all that has no column of its own. Reading is strict: every member
// there, no other, each of its type.
std::string render_settings(const LoginProvider& provider);
Result<void> parse_settings(std::string_view text, ProviderKind kind, LoginProvider& provider);

// The names of what differs, of two of one kind: columns and members of the settings.
std::vector<std::string> changed_members(const LoginProvider& before, const LoginProvider& after);

}  // namespace bulkhead::identity

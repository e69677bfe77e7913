// How accounts are read from their table. Internal to identity/.
#pragma once

#include <string_view>

#include "db/database.h"
#include "identity/people/account.h"

namespace bulkhead::identity {

// The columns that account_from() reads, from the table accounts under the name `a`; callers append what they
// need after them.
inline constexpr std::string_view kAccountColumns =
    "a.id, a.name, a.kind, a.state, a.system_role, a.display_name, a.email, a.email_verified, "
    "a.credential_version, a.token_version, a.created_at";
inline constexpr std::size_t kAccountColumnCount = 11;

Account account_from(const db::Row& row);

Error no_account(std::string_view name);
Error no_account(std::int64_t id);

Result<Account> read_account(db::Session& session, std::string_view name);
Result<Account> read_account(db::Session& session, std::int64_t id);

// Errc::conflict when the account is the only active administrator: it must stay that.
Result<void> check_not_last_administrator(db::Session& session, const Account& account);

}  // namespace bulkhead::identity

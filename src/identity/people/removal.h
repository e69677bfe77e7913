// Removal that leaves nothing behind. Internal to identity/.
#pragma once

#include <cstdint>

#include "identity/people/directory.h"

namespace bulkhead::identity {

// Removes the account with its credentials, memberships, grants and invitations, those it has sent included.
// Its namespace, and repositories that it owns, are the caller's to see to. Foreign keys make sure of the
// rest: what this does not know of makes it fail.
Result<void> erase_account(Change& change, std::int64_t account_id);

// For the transaction that takes away what an account logs in with: ends its bearer tokens, sessions and
// access tokens, those of a robot included, for good. How many access tokens still stood.
Result<std::int64_t> end_credentials(db::Session& session, std::int64_t account_id, Time now);

// Errc::conflict when the account is the only active owner of an organization, which it then names.
Result<void> check_owners_remain(db::Session& session, std::int64_t account_id);

// Repositories that the account owns in an organization's namespaces go to another owner of the organization,
// of those who are active the one of the lowest number, who is then also the contact where the account was.
// Writes the events.
Result<void> hand_over_repositories(Change& change, const Account& account, std::int64_t organization_id);

// Errc::conflict when the account, an owner of the organization, is the only one who is active.
Result<void> check_not_last_owner(db::Session& session, std::int64_t organization_id,
                                  std::int64_t account_id);

}  // namespace bulkhead::identity

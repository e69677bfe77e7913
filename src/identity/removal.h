// Removal that leaves nothing behind. Internal to identity/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "identity/directory.h"

namespace bulkhead::identity {

// Removes the account with its credentials, memberships, grants and invitations, those it has sent included.
// Repositories that it owns go to the owner of their namespace; those, and its own namespace, are the
// caller's to look at before. Foreign keys make sure of the rest: what this does not know of makes it fail.
Result<void> erase_account(Change& change, std::int64_t account_id);

// Repositories that the account owns in an organization's namespaces go to the organization's active owner of
// the lowest number. Who that is, when there was something to hand over.
Result<std::optional<std::string>> hand_over_repositories(Change& change, const Account& account,
                                                          std::int64_t organization_id);

// Errc::conflict when the account, an owner of the organization, is the only one who is active.
Result<void> check_not_last_owner(db::Session& session, std::int64_t organization_id,
                                  std::int64_t account_id);

}  // namespace bulkhead::identity

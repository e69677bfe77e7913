// Whether what permitted a change still stands in the transaction that makes it. permit() looks before the
// request is carried out; since then the caller's log-ins may have ended, a role or a system role been taken,
// a policy set.
#pragma once

#include "api/management/operation.h"
#include "db/database.h"

namespace bulkhead::api::management {

// Errc::unauthenticated when the credential has ended or the account is not what it was; Errc::denied when
// the system role is another, or what the path names would not be permitted any more: with no less of a role
// than permit() found, because handlers decide by that too. An operator is asked for nothing, and neither is
// a caller that nobody is.
Result<void> check_still_permitted(db::Session& session, const Operation& operation, const Call& call);

}  // namespace bulkhead::api::management

// The two changes of a person's account that reach beyond it: its name, which is also its namespace's, and
// its end. (Robots are named after their owners and end in robots.h.)
//
// Calls block. Thread-safe.
#pragma once

#include "identity/people/directory.h"

namespace bulkhead::identity {

class AccountChanges {
 public:
  explicit AccountChanges(const Directory& directory) : directory_(directory) {}

  // Also the namespace and its repositories; all ids stay. Bearer tokens, which carry the name, end. Whoever
  // takes the old name afterwards gets nothing old. Errc::not_found, Errc::name_invalid, Errc::conflict.
  Result<void> rename(std::int64_t id, std::string_view new_name, const audit::Origin& origin);

  // Leaves nothing behind but evidence. Errc::conflict while the account owns a repository anywhere, is the
  // last active owner of an organization, or the last active administrator.
  Result<void> remove(std::int64_t id, const audit::Origin& origin);

 private:
  const Directory& directory_;
};

}  // namespace bulkhead::identity

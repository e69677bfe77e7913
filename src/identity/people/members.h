// Who belongs to an organization.
//
// Calls block. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/people/directory.h"
#include "identity/people/organizations.h"

namespace bulkhead::identity {

struct Member {
  std::int64_t account_id = 0;
  std::string account;
  std::string display_name;
  MemberRole role = MemberRole::member;
  bool from_directory = false;  // goes when the directory says so (teams.h)
};

struct Membership {
  Organization organization;
  MemberRole role = MemberRole::member;
};

class Members {
 public:
  explicit Members(const Directory& directory) : directory_(directory) {}

  // By name after `after` (exclusive), at most `limit`. An organization that is not there has none.
  Result<std::vector<Member>> list(std::int64_t organization_id, std::string_view after,
                                   std::size_t limit) const;
  // Nothing for who is no member.
  Result<std::optional<Member>> find(std::int64_t organization_id, std::int64_t account_id) const;
  // The organizations that the account belongs to, by name.
  Result<std::vector<Membership>> of_account(std::int64_t account_id) const;
  // Nothing for who is no member.
  Result<std::optional<MemberRole>> role(std::int64_t organization_id, std::int64_t account_id) const;

  // Makes the person a member, or gives a member another role. Errc::not_found, Errc::invalid_argument for a
  // robot, Errc::conflict when no active owner would be left.
  Result<void> set(std::int64_t organization_id, std::int64_t account_id, MemberRole role,
                   const audit::Origin& origin);
  // Leaves nothing behind: out of every team, without the grants that were the person's own in the
  // organization's namespaces and repositories, without invitations from or to them; repositories that they
  // owned there go to an owner. Errc::not_found for who is no member, Errc::conflict for the last active
  // owner, and for whom a directory puts into a team, but where they leave by themselves.
  Result<void> remove(std::int64_t organization_id, std::int64_t account_id, const audit::Origin& origin);

 private:
  const Directory& directory_;
};

}  // namespace bulkhead::identity

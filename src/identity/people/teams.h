// Teams of an organization's members, in trees: a team has what its parent has, and more.
//
// Calls block. Thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "identity/people/directory.h"

namespace bulkhead::identity {

struct Team {
  std::int64_t id = 0;
  std::int64_t organization_id = 0;
  std::string organization;
  std::string name;
  std::optional<std::int64_t> parent_id;
  Time created_at{};

  std::string path() const { return organization + "/" + name; }
};

struct TeamMember {
  std::int64_t account_id = 0;
  std::string account;
  std::string display_name;
  // At least one of the two: somebody put them there; a directory did.
  bool direct = false;
  bool from_directory = false;
};

// What is said of somebody who cannot be put into a team, or taken out of it, because they are not in the
// organization, or in the team; and so of somebody who is not there at all.
Error no_member(std::string_view account, const Team& team);
Error not_in_team(std::string_view account, const Team& team);

class Teams {
 public:
  // From a team without a parent to the lowest below it.
  static constexpr std::int64_t kDeepest = 8;
  static constexpr std::int64_t kMost = 1000;  // of one organization

  explicit Teams(const Directory& directory) : directory_(directory) {}

  // Errc::name_invalid, Errc::not_found, Errc::conflict when the organization has a team of the name or kMost
  // teams, and for a parent as set_parent() says.
  Result<Team> create(std::int64_t organization_id, std::string_view name,
                      std::optional<std::int64_t> parent_id, const audit::Origin& origin);

  Result<Team> find(std::int64_t id) const;  // Errc::not_found
  Result<Team> find(std::int64_t organization_id, std::string_view name) const;
  // By name after `after` (exclusive), at most `limit`.
  Result<std::vector<Team>> list(std::int64_t organization_id, std::string_view after,
                                 std::size_t limit) const;
  // The teams that the account was put into, not their parents.
  Result<std::vector<Team>> of_account(std::int64_t account_id) const;

  Result<void> rename(std::int64_t id, std::string_view new_name, const audit::Origin& origin);
  // Errc::invalid_argument for a team of another organization, for one that is below this team or the team
  // itself, and when the tree would become deeper than kDeepest.
  Result<void> set_parent(std::int64_t id, std::optional<std::int64_t> parent_id,
                          const audit::Origin& origin);
  // With its grants, memberships and directory mappings. Errc::conflict while there are teams below it: they
  // would lose what they have from it.
  Result<void> remove(std::int64_t id, const audit::Origin& origin);

  Result<std::vector<TeamMember>> members(std::int64_t id, std::string_view after, std::size_t limit) const;
  // Errc::conflict for who is not in the organization.
  Result<void> add_member(std::int64_t id, std::int64_t account_id, const audit::Origin& origin);
  // Errc::not_found for who is not in the team, Errc::conflict for who is only there because a directory says
  // so: it would say so again.
  Result<void> remove_member(std::int64_t id, std::int64_t account_id, const audit::Origin& origin);

  // What a directory said at a log-in: of the teams that the provider's groups are mapped to, the person is
  // now in these and no others, whichever provider put them there; nor in those that are no longer mapped to
  // any. Makes them a member of an organization whose team they are given, and ends such a membership with
  // the last team. Memberships that somebody gave directly stay. Errc::invalid_argument for a team that the
  // provider is not mapped to.
  Result<void> set_directory_memberships(std::int64_t account_id, std::int64_t provider_id,
                                         std::span<const std::int64_t> team_ids, const audit::Origin& origin);
  // Ends everybody's directory membership of the team: for when its mapping goes.
  Result<void> end_directory_memberships(std::int64_t id, const audit::Origin& origin);

 private:
  const Directory& directory_;
};

}  // namespace bulkhead::identity

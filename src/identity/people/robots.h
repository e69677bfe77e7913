// Robots: accounts of programs. A robot belongs to an organization or to a repository and is named after it,
// OWNER+NAME, where OWNER is the organization or the repository's namespace ("library" for the official
// images); nobody can register such a name. It has no password and no namespace: what it may do is granted to
// it, and it proves itself with tokens.
//
// Calls block. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/people/directory.h"

namespace bulkhead::identity {

// OWNER+NAME for a namespace ("" is the installation's own) and the short name, and the latter back again.
std::string robot_name(std::string_view space, std::string_view short_name);
std::string_view robot_short_name(std::string_view name);

struct Robot {
  Account account;
  std::optional<std::int64_t> organization_id;  // one of the two
  std::optional<std::int64_t> repository_id;
  std::string belongs_to;  // the organization's or the repository's name
  std::string description;
  std::string created_by;  // "" when that account is no more
};

class Robots {
 public:
  // At most `most` of one namespace, those of its repositories included.
  explicit Robots(const Directory& directory, std::int64_t most = 1000)
      : directory_(directory), most_(most) {}

  // `name` is the part after the '+', one component. Errc::name_invalid, Errc::invalid_argument for a bad
  // description, Errc::not_found, Errc::conflict when the name is taken or there are `most` already.
  // `creator` is nothing for an operator.
  Result<Robot> create_for_organization(std::int64_t organization_id, std::string_view name,
                                        std::string_view description, std::optional<std::int64_t> creator,
                                        const audit::Origin& origin);
  Result<Robot> create_for_repository(std::int64_t repository_id, std::string_view name,
                                      std::string_view description, std::optional<std::int64_t> creator,
                                      const audit::Origin& origin);

  // Errc::not_found, also for a person.
  Result<Robot> find(std::int64_t account_id) const;
  Result<Robot> find(std::string_view name) const;
  // By name after `after` (exclusive), at most `limit`; an organization's without those of its repositories.
  Result<std::vector<Robot>> of_organization(std::int64_t organization_id, std::string_view after,
                                             std::size_t limit) const;
  Result<std::vector<Robot>> of_repository(std::int64_t repository_id, std::string_view after,
                                           std::size_t limit) const;

  // Disabling ends the robot's tokens at once, and for good. `lock` as in Accounts::set_state().
  Result<void> set_enabled(std::int64_t account_id, bool enabled, Accounts::Lock lock,
                           const audit::Origin& origin);
  // With its tokens, trusts and grants.
  Result<void> remove(std::int64_t account_id, const audit::Origin& origin);

 private:
  const Directory& directory_;
  const std::int64_t most_;
};

}  // namespace bulkhead::identity

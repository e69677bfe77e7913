// Where a role comes from, as one transaction sees it. Facts remembers what these say; registry/ asks inside
// its own transactions, where a change depends on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "access/decide.h"
#include "base/clock.h"
#include "db/database.h"

namespace bulkhead::access {

// As the database spells it; what is no role is Role::none.
Role stored_role(std::string_view text);

// The first line of a query about one account: `person` holds it unless it is a robot, which neither belongs
// to organizations nor to teams; `mine` the teams whose grants are the account's, the ancestors of its own
// teams included. Takes one parameter, the account's id.
inline constexpr std::string_view kCallerSql =
    "WITH RECURSIVE person (id) AS (SELECT id FROM accounts WHERE id = ? AND kind = 'person'), "
    "mine (id) AS (SELECT m.team_id FROM team_members m JOIN person p ON p.id = m.account_id "
    "UNION SELECT t.parent_id FROM teams t JOIN mine ON mine.id = t.id WHERE t.parent_id IS NOT NULL)";

// Everything that holds in the namespace as a whole: ownership, the organization, grants to the account and
// to its teams. Role::none when there is no such namespace. That administrators own the installation's
// namespace is the caller's to add.
Result<Role> read_namespace_role(db::Session& session, std::int64_t account_id, std::string_view name);

// What an account has in one repository, beside its role in the namespace.
struct RepositoryRole {
  Role role = Role::none;     // by grants, or owner by appointment
  bool first_pusher = false;  // is its owner for having pushed it first
};
Result<RepositoryRole> read_repository_role(db::Session& session, std::int64_t account_id,
                                            std::int64_t repository_id);

// The higher one; and whoever pushed first owns what they pushed, as long as either gives them any role: so
// that who leaves an organization, a team or a grant leaves that ownership behind as well.
Role combine(Role in_namespace, const RepositoryRole& in_repository);

// The installation's own namespace belongs to its administrators.
bool owns_installation(const Principal& principal, std::string_view namespace_name);

// All of it at once, now; what policies withhold is not looked at. Role::none when there is no such
// repository.
Result<Role> read_role(db::Session& session, const Principal& principal, std::int64_t repository_id);

// The principal as its account is now. Errc::denied where the account does not stand any more as it was when
// the credential was checked, or the access token that it logged in with has ended; time alone ends nothing.
Result<Principal> read_principal(db::Session& session, const Principal& principal, Time now);

// Whether the principal may still do it, now: its account stands as it was when its credential was checked,
// so does the access token that it logged in with, and roles, ceiling and the organization's policy allow it.
// To be asked in the transaction that depends on it: Errc::denied. What is public may be pulled.
Result<void> check_still_may(db::Session& session, const Principal& principal, Action action,
                             std::int64_t repository_id, Time now);

// Whether the policy of that organization, 0 for none, lets the principal come to it.
Result<bool> admitted(db::Session& session, const Principal& principal, std::int64_t organization_id);

// For queries over many repositories: `where` holds for the repositories r, joined with their namespaces n,
// that the principal may pull. `with` goes first in the statement; each has its parameters.
struct Readable {
  std::string_view with;
  std::vector<db::Value> with_parameters;
  std::string_view where;
  std::vector<db::Value> where_parameters;
};
// For a principal that is not anonymous.
Readable readable_by(const Principal& principal);

}  // namespace bulkhead::access

// What decide() needs to know, from the database and, warm, from memory: repositories by name, roles by
// account.
//
// peek() never blocks and answers from memory; resolve() blocks and fills it. Memory is bounded and exact:
// every change goes through this class, which forgets what the change touches before the change's call
// returns, and a load that raced with a change is not kept. Thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/decide.h"
#include "audit/event.h"
#include "base/clock.h"
#include "db/database.h"
#include "oci/name.h"

namespace bulkhead::access {

struct Repository {
  std::int64_t id = 0;
  std::int64_t namespace_id = 0;
  oci::RepositoryName name;
  Visibility visibility = Visibility::private_;
  std::string immutable_tags;  // pattern, '*' for any run of characters, "" for none
};

struct Resolved {
  std::shared_ptr<const Repository> repository;  // null when it does not exist
  Standing standing;
};

struct GrantTarget {  // exactly one kind: a repository, or a namespace ("" is the installation's own)
  bool is_namespace = false;
  std::string name;
};
// "NAME/" a namespace, "/" the installation's own, anything else a repository. Errc::name_invalid.
Result<GrantTarget> parse_grant_target(std::string_view text);

class Facts {
 public:
  Facts(db::Database& database, const Clock& clock, std::size_t cached, bool anonymous_pull);
  ~Facts();

  // Whether callers without an account may pull public repositories.
  bool anonymous_pull() const;

  std::optional<Resolved> peek(const Principal& principal, const oci::RepositoryName& name) const;
  Result<Resolved> resolve(const Principal& principal, const oci::RepositoryName& name);

  // Creates the repository, private, when it does not exist; the namespace must (Errc::name_unknown). Writes
  // the event.
  Result<std::shared_ptr<const Repository>> ensure(const oci::RepositoryName& name,
                                                   const audit::Origin& origin);

  // Operators' changes; each writes its event. Errc::name_unknown, Errc::not_found.
  Result<void> set_visibility(const oci::RepositoryName& name, Visibility visibility,
                              const audit::Origin& origin);
  Result<void> set_immutable_tags(const oci::RepositoryName& name, std::string_view pattern,
                                  const audit::Origin& origin);
  Result<void> set_quota(std::string_view namespace_name, std::optional<std::uint64_t> bytes,
                         const audit::Origin& origin);
  Result<void> grant(std::string_view account, Role role, const GrantTarget& target,
                     const audit::Origin& origin);
  Result<void> revoke(std::string_view account, const GrantTarget& target, const audit::Origin& origin);
  // Removes the repository with all its tags, manifests, blob links and grants; the name may be used again,
  // by a new id.
  Result<void> remove(const oci::RepositoryName& name, const audit::Origin& origin);

  // Names the principal may pull, in byte order after `last` (exclusive), at most `limit`.
  Result<std::vector<std::string>> catalog(const Principal& principal, std::string_view last,
                                           std::size_t limit);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::access

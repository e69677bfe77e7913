// What Facts keeps in memory, shared by its source files.
//
// Four caches, each exact by itself, so that a change touches as little as it can:
//   repositories      name -> repository, or null for one that is known not to exist
//   namespace_roles   (account, namespace's name) -> role, ownership included
//   repository_roles  (account, repository's id) -> granted role and ownership
//   spaces            name -> id and organization, of namespaces that exist; asked where somebody has a role
//   in
//                     a namespace and the repository is absent
// Namespaces are keyed by name and not by id because accounts make them (identity/accounts.h) without passing
// here: an account's own role in its new namespace cannot have been asked for before, since its id is new as
// well, and everybody else's stays none until grant(). Ids of repositories are never used again, so a deleted
// one's roles may stay. A team's grant bears on whoever is in it and in the teams below, and is rare: it
// empties a cache.
//
// Absent repositories are kept like private ones: otherwise the time of an answer would tell the two apart.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/facts.h"
#include "access/roles.h"
#include "base/exact_cache.h"
#include "base/keyed_hash.h"
#include "identity/login/policies.h"

namespace bulkhead::access {

// `Name` is std::string where it is kept and std::string_view where it is looked up.
template <class Name>
struct NamespaceKey {
  std::int64_t account_id;
  Name name;

  template <class Other>
  bool operator==(const NamespaceKey<Other>& other) const {
    return account_id == other.account_id && name == other.name;
  }
};

struct RepositoryKey {
  std::int64_t account_id;
  std::int64_t repository_id;

  bool operator==(const RepositoryKey&) const = default;
};

class RoleKeyHash {
 public:
  template <class Name>
  std::size_t operator()(const NamespaceKey<Name>& key) const {
    return mix(key.account_id) ^ hash_(std::string_view(key.name));
  }
  std::size_t operator()(const RepositoryKey& key) const {
    return mix(key.account_id) ^ mix(~key.repository_id);
  }

 private:
  static std::size_t mix(std::int64_t value) {
    const auto product = static_cast<std::uint64_t>(value) * 0xff51afd7ed558ccdu;
    return static_cast<std::size_t>(product ^ product >> 33);
  }

  KeyedHash hash_;
};

struct Space {
  std::int64_t id = 0;
  std::int64_t organization_id = 0;
};

struct Facts::State {
  db::Database& database;
  identity::Accounts& accounts;
  identity::Policies& policies;
  const Clock& clock;
  bool anonymous_pull;
  Limits limits;
  ExactCache<std::string, std::shared_ptr<const Repository>, KeyedHash> repositories;
  ExactCache<NamespaceKey<std::string>, Role, RoleKeyHash> namespace_roles;
  ExactCache<RepositoryKey, RepositoryRole, RoleKeyHash> repository_roles;
  ExactCache<std::string, Space, KeyedHash> spaces;
  KeyedHash absent;

  State(db::Database& d, identity::Accounts& a, identity::Policies& p, const Clock& c, std::size_t cached,
        bool anonymous, const Limits& l)
      : database(d),
        accounts(a),
        policies(p),
        clock(c),
        anonymous_pull(anonymous),
        limits(l),
        repositories(cached),
        namespace_roles(cached),
        repository_roles(cached),
        spaces(cached) {}

  // Where the principal's role in what has the name is remembered. What is absent has one as well, none,
  // which is forgotten together with those in what is there: otherwise an answer from memory would tell that
  // there is nothing.
  RepositoryKey role_key(const Principal& principal, const Repository* repository,
                         const oci::RepositoryName& name) const;

  Result<void> record(db::Session& session, audit::Action action, std::string_view repository,
                      std::string_view target, std::string detail, const audit::Origin& origin) const;

  // Runs `work` on the repository, Errc::name_unknown when there is none, and forgets it whatever came of it.
  using RepositoryWork = std::function<Result<void>(db::Session&, const Repository&)>;
  Result<void> change(const oci::RepositoryName& name, const RepositoryWork& work);

  // Runs `work` on the ids of both, which says whether it changed anything, and forgets what the grant bears
  // on unless it certainly did not. Refusals and repetitions, which anybody can have as often as they like,
  // must not keep memory cold.
  using GrantWork =
      std::function<Result<bool>(db::Session&, std::int64_t subject_id, std::int64_t target_id)>;
  Result<void> change_grant(const GrantSubject& subject, const GrantTarget& target, Namer namer,
                            const GrantWork& work);

  // Puts the namespace's owner in the place of a repository's who has come to have no role in it.
  Result<void> settle_owner(db::Session& session, std::int64_t repository_id, std::int64_t namespace_id,
                            const oci::RepositoryName& name, const audit::Origin& origin) const;

  // Names the repository's robots after the namespace that it is now in; `renamed` gets their ids.
  Result<void> rename_robots(db::Session& session, std::int64_t repository_id,
                             const oci::RepositoryName& name, std::vector<std::int64_t>& renamed,
                             const audit::Origin& origin) const;

  // The repository, made where it is not there.
  Result<std::shared_ptr<const Repository>> make(db::Session& session, const oci::RepositoryName& name,
                                                 const Principal& creator, const audit::Origin& origin) const;

  // Parts of one change; each does nothing where it is so already. Of the pattern, `column` is one of the
  // two.
  Result<void> put_visibility(db::Session& session, const Repository& repository, Visibility visibility,
                              const audit::Origin& origin) const;
  Result<void> put_pattern(db::Session& session, const Repository& repository, std::string_view column,
                           const std::string& pattern, bool may_loosen, const audit::Origin& origin) const;
  // The ids of the owners before and after go to `touched`.
  Result<void> put_owner(db::Session& session, const Repository& repository, const std::string& account,
                         Namer namer, std::vector<std::int64_t>& touched, const audit::Origin& origin) const;
  Result<void> put_contact(db::Session& session, const Repository& repository, const std::string& contact,
                           const audit::Origin& origin) const;

  // What the policy of the organization finds lacking in the principal, "" for nothing; nothing at all when
  // memory does not know the policy.
  std::optional<std::string_view> peek_lacking(const Principal& principal,
                                               std::int64_t organization_id) const;
  Result<std::string_view> lacking(const Principal& principal, std::int64_t organization_id);
};

// Errc::invalid_argument for a text that is no contact.
Result<void> check_contact(std::string_view contact);

// Text that every database takes, before and after which the same names stand: names are ASCII without
// control characters, so a NUL sorts like an end and anything past ASCII sorts like DEL.
std::string comparable(std::string_view last);

// Null when it does not exist.
Result<std::shared_ptr<const Repository>> read_repository(db::Session& session,
                                                          const oci::RepositoryName& name);
Error repository_unknown(const oci::RepositoryName& name);
Error namespace_unknown(std::string_view name);

struct Owner {
  std::int64_t account_id = 0;
  std::string account;
};
// Who answers for a repository of the namespace when nobody else does: the account or an owner of the
// organization that it belongs to, an administrator for the installation's own; active ones first.
Result<std::optional<Owner>> read_namespace_owner(db::Session& session, std::int64_t namespace_id);

// Whether the namespace may have one more: Errc::quota_exceeded.
Result<void> check_repository_count(db::Session& session, std::int64_t namespace_id, std::string_view name,
                                    std::int64_t most);

}  // namespace bulkhead::access

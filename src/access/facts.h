// What decide() needs to know, from the database and, warm, from memory: repositories by name, roles by
// account.
//
// peek() never blocks and answers from memory; resolve() blocks and fills it. Memory is bounded and exact:
// a change goes through this class, which forgets what it touches before the change's call returns, or is
// followed by forget_roles() before its own call returns; a load that raced with a change is not kept.
// Thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/decide.h"
#include "audit/event.h"
#include "base/clock.h"
#include "db/database.h"
#include "identity/people/accounts.h"
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

struct GrantSubject {  // who is given a role: a person or robot, or a team
  bool is_team = false;
  std::string name;  // the account's, "alice" or "acme+ci"; or ORGANIZATION/TEAM
};
// "team:ORGANIZATION/TEAM", or the name of an account. Errc::name_invalid.
Result<GrantSubject> parse_grant_subject(std::string_view text);
std::string render(const GrantSubject& subject);

// Everything about a repository that people want to know, and requests do not.
struct RepositoryDetails {
  Repository repository;
  std::string protected_tags;  // pattern: only maintainers and owners move and delete such tags
  std::string owner;           // the account's name
  bool owner_active = true;
  std::string contact;
  Time created_at{};
};

// One of the ways in which an account may have come by a role.
struct Reason {
  enum class Kind : std::uint8_t {
    repository_owner,
    repository_grant,
    team_repository_grant,
    namespace_owner,
    namespace_grant,
    team_namespace_grant,
    organization_owner,
    organization_member,
    administrator,
  };
  Kind kind = Kind::repository_owner;
  Role role = Role::none;
  std::string team;  // ORGANIZATION/TEAM, for the kinds that have one
  friend bool operator==(const Reason&, const Reason&) = default;
};
std::string_view name(Reason::Kind kind);  // "team_namespace_grant"

struct EffectiveGrant {
  std::string account;
  bool is_robot = false;
  Role role = Role::none;  // the highest of the reasons'
  std::vector<Reason> reasons;
};
struct EffectiveGrants {
  std::vector<EffectiveGrant> entries;
  bool more = false;
};

class Facts {
 public:
  // All must outlive this. `accounts` forgets the robots that a rename gives another name.
  Facts(db::Database& database, identity::Accounts& accounts, const Clock& clock, std::size_t cached,
        bool anonymous_pull);
  ~Facts();

  // Whether callers without an account may pull public repositories.
  bool anonymous_pull() const;

  std::optional<Resolved> peek(const Principal& principal, const oci::RepositoryName& name) const;
  Result<Resolved> resolve(const Principal& principal, const oci::RepositoryName& name);

  // After a change that was made elsewhere and may bear on anybody's role, or on what namespaces are called:
  // of organizations, teams, members, system roles. Constant time.
  void forget_roles();

  // Creates the repository, private, when it does not exist; the namespace must (Errc::name_unknown). A
  // person who creates it is its owner; for what a robot or an operator ({}) creates, it is whoever owns the
  // namespace (Errc::conflict when nobody does: an official image before the first administrator). The owner
  // is the contact as well. Writes the event.
  Result<std::shared_ptr<const Repository>> ensure(const oci::RepositoryName& name, const Principal& creator,
                                                   const audit::Origin& origin);

  // Changes by owners and operators, which the caller has decided on; each writes its event, and none when it
  // changes nothing. Errc::name_unknown, Errc::not_found.
  Result<void> set_visibility(const oci::RepositoryName& name, Visibility visibility,
                              const audit::Origin& origin);
  Result<void> set_immutable_tags(const oci::RepositoryName& name, std::string_view pattern,
                                  const audit::Origin& origin);
  Result<void> set_protected_tags(const oci::RepositoryName& name, std::string_view pattern,
                                  const audit::Origin& origin);
  // Appoints the owner, an active person (else Errc::invalid_argument). The former one keeps no more than
  // what else they have there. A contact that was the former owner's name becomes the new one's.
  Result<void> set_owner(const oci::RepositoryName& name, std::string_view account,
                         const audit::Origin& origin);
  // One line of at most 255 bytes that says whom to write to: an address, a team's name.
  // Errc::invalid_argument when it is empty or has characters that do not show.
  Result<void> set_contact(const oci::RepositoryName& name, std::string_view contact,
                           const audit::Origin& origin);
  // Gives the repository another name, perhaps in another namespace, whose quota must have room for it
  // (Errc::quota_exceeded). What is bound to the repository goes with it: grants, tokens, robots, an
  // appointed owner; nothing of it stays with the old name. Its robots are named after the namespace, and
  // get its new name. In a namespace where an owner who was not appointed has no role, the namespace's owner
  // takes their place. Errc::conflict when the new name, or that of a robot, is taken.
  Result<void> rename(const oci::RepositoryName& from, const oci::RepositoryName& to,
                      const audit::Origin& origin);
  Result<void> set_quota(std::string_view namespace_name, std::optional<std::uint64_t> bytes,
                         const audit::Origin& origin);
  // A repository's robot can have a role on that repository only: Errc::invalid_argument.
  Result<void> grant(const GrantSubject& subject, Role role, const GrantTarget& target,
                     const audit::Origin& origin);
  Result<void> revoke(const GrantSubject& subject, const GrantTarget& target, const audit::Origin& origin);
  // Removes the repository with all its tags, manifests, blob links and grants, and the scopes of tokens that
  // name it; the name may be used again, by a new id. Errc::conflict while it has robots, which must go
  // first.
  Result<void> remove(const oci::RepositoryName& name, const audit::Origin& origin);

  Result<RepositoryDetails> details(const oci::RepositoryName& name);
  // Who may do what in the repository, and why: active accounts that have a role, by name after `last`
  // (exclusive), at most `limit`.
  Result<EffectiveGrants> effective_grants(const oci::RepositoryName& name, std::string_view last,
                                           std::size_t limit);

  // Names the principal may pull (as an anonymous caller, when its credential is limited to some of what its
  // account may), in byte order after `last` (exclusive), at most `limit`.
  Result<std::vector<std::string>> catalog(const Principal& principal, std::string_view last,
                                           std::size_t limit);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::access

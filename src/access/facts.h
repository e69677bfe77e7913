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

namespace bulkhead::identity {
class Policies;
}

namespace bulkhead::access {

// Where repositories are that were removed, under a name of its own each, until their rows have gone. A name
// that nothing else can have, and that no list shows.
inline constexpr std::string_view kRemovedNamespace = "#removed";

struct Repository {
  std::int64_t id = 0;
  std::int64_t namespace_id = 0;
  std::int64_t organization_id = 0;  // whose the namespace is, 0 for none
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

// What is given is changed.
struct RepositoryChanges {
  std::optional<Visibility> visibility = {};
  // Patterns of tags; "" for none.
  std::optional<std::string> immutable_tags = {};
  std::optional<std::string> protected_tags = {};
  std::optional<std::string> owner = {};    // an account's name
  std::optional<std::string> contact = {};  // one line
};
// On whose word.
struct Changer {
  // Whether a pattern may come to hold fewer tags than it did: for owners and operators.
  bool may_loosen = true;
  Namer namer = {};
};

// What a repository's robots do when it moves to another namespace. Whose namespace that is did not make
// them: only its owners let them in.
enum class Robots : std::uint8_t { stay_out, come_along };

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
  std::string account;  // or "team:ORGANIZATION/TEAM", of whose members nothing may be told
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
  struct Limits {
    std::int64_t repositories = 10'000;  // of a namespace: Errc::quota_exceeded
    std::int64_t grants = 1000;          // on a repository or a namespace, of each kind: Errc::conflict
  };
  // All must outlive this. `accounts` forgets the robots that a rename gives another name, `policies` whose
  // they are.
  Facts(db::Database& database, identity::Accounts& accounts, identity::Policies& policies,
        const Clock& clock, std::size_t cached, bool anonymous_pull, Limits limits);
  Facts(db::Database& database, identity::Accounts& accounts, identity::Policies& policies,
        const Clock& clock, std::size_t cached, bool anonymous_pull)
      : Facts(database, accounts, policies, clock, cached, anonymous_pull, Limits()) {}
  ~Facts();

  // Whether callers without an account may pull public repositories.
  bool anonymous_pull() const;

  std::optional<Resolved> peek(const Principal& principal, const oci::RepositoryName& name) const;
  Result<Resolved> resolve(const Principal& principal, const oci::RepositoryName& name);

  // Of the namespace that a repository of this name would be in: Errc::name_unknown when there is none, and
  // Errc::quota_exceeded when the repository is yet to be made there and it has as many as it may. Blocking.
  Result<std::int64_t> namespace_of(const oci::RepositoryName& name, bool to_be_made);

  // After a change that was made elsewhere and may bear on anybody's role, or on what namespaces are called:
  // of organizations, teams, members, system roles. Constant time.
  void forget_roles();

  // Creates the repository, private, when it does not exist; the namespace must (Errc::name_unknown). A
  // person who creates it is its owner; for what a robot or an operator ({}) creates, it is whoever owns the
  // namespace (Errc::conflict when nobody does: an official image before the first administrator). The owner
  // is the contact as well. Writes the event.
  Result<std::shared_ptr<const Repository>> ensure(const oci::RepositoryName& name, const Principal& creator,
                                                   const audit::Origin& origin);

  // Creates it like ensure(), where it is not there, and appoints its owner, as change() does, in one
  // transaction: on an operator's word.
  Result<std::shared_ptr<const Repository>> create_for(const oci::RepositoryName& name,
                                                       std::string_view owner, const audit::Origin& origin);

  // Changes by owners and operators, which the caller has decided on: all in one transaction, or none of it.
  // Each writes its event, and none when it changes nothing. Errc::name_unknown, Errc::not_found;
  // Errc::denied where a pattern is loosened by who may not.
  //
  // An appointed owner is an active person (else Errc::invalid_argument). The former one keeps no more than
  // what else they have there. A contact that was the former owner's name becomes the new one's. With a namer
  // it is the owner of the namespace, or a member of the organization that it belongs to: nobody is made to
  // answer for a stranger's repository. A contact is one line of at most 255 bytes that says whom to write
  // to: an address, a team's name; Errc::invalid_argument when it is empty or has characters that do not
  // show.
  Result<void> change(const oci::RepositoryName& name, const RepositoryChanges& changes,
                      const Changer& changer, const audit::Origin& origin);
  // Gives the repository another name, perhaps in another namespace, whose quota must have room for it
  // (Errc::quota_exceeded). What is bound to the repository goes with it: grants, tokens, robots, an
  // appointed owner; nothing of it stays with the old name. Its robots are named after the namespace, and
  // get its new name. In a namespace where an owner who was not appointed has no role, the namespace's owner
  // takes their place. Errc::conflict when the new name, or that of a robot, is taken, and when there are
  // robots that may not come along to another namespace.
  Result<void> rename(const oci::RepositoryName& from, const oci::RepositoryName& to, Robots robots,
                      const audit::Origin& origin);
  Result<void> set_quota(std::string_view namespace_name, std::optional<std::uint64_t> bytes,
                         const audit::Origin& origin);
  // A repository's robot can have a role on that repository only: Errc::invalid_argument. An account sees
  // those with whom it shares an organization, its organizations' teams and robots, and whoever has a role on
  // the target already.
  Result<void> grant(const GrantSubject& subject, Role role, const GrantTarget& target,
                     const audit::Origin& origin, Namer namer = {});
  Result<void> revoke(const GrantSubject& subject, const GrantTarget& target, const audit::Origin& origin,
                      Namer namer = {});
  // Removes the repository with its grants: from then on it and all that it held are nowhere to be found and
  // count towards no quota, and the name may be used again, by a new id. Tags, manifests, blob links and the
  // scopes of tokens that name it are left to registry/removed.h. Errc::conflict while it has robots, which
  // must go first.
  Result<void> remove(const oci::RepositoryName& name, const audit::Origin& origin);

  Result<RepositoryDetails> details(const oci::RepositoryName& name);
  // Who may do what in the repository, and why: active accounts that have a role, by name after `last`
  // (exclusive), at most `limit`. A team of another organization than the repository's, of which `reader` is
  // no member, is one entry by itself.
  Result<EffectiveGrants> effective_grants(const oci::RepositoryName& name, std::string_view last,
                                           std::size_t limit, Namer reader = {});

  // Names the principal may pull, as far as its credential and the policies of organizations let it, in byte
  // order after `last` (exclusive), at most `limit`.
  Result<std::vector<std::string>> catalog(const Principal& principal, std::string_view last,
                                           std::size_t limit);
  // All names, in the same order: for who reads the directory.
  Result<std::vector<std::string>> names(std::string_view last, std::size_t limit);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::access

// What the management API consists of: a table of operations (operations.cc) from which requests are routed,
// permitted and checked, and the OpenAPI document is written. One file for each resource holds its
// operations, their schemas and their handlers.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/facts.h"
#include "access/system.h"
#include "api/management/caller.h"
#include "api/management/schema.h"
#include "api/problem.h"
#include "api/services.h"
#include "base/secret.h"
#include "http/request.h"
#include "identity/people/account.h"
#include "identity/people/organizations.h"

namespace bulkhead::api::management {

// Who may. A parameter of the path says on what; `or_action` lets in whoever may do that to the whole
// installation (access/system.h).
struct Permission {
  enum class Kind : std::uint8_t {
    system,              // nobody else
    anyone,              // no credential is looked at
    account,             // whoever is logged in; the handler leaves out what is not the caller's to see
    in_person,           // the same, but with a session: access tokens do not change what is a person's
    self,                // {user}; changes take a session
    credentials,         // {user}, or who manages the robot {user} or {robot}
    member,              // a member of {organization}
    seen_by_members,     // nobody by what they are in {organization}, whose members know that it is there
    organization_owner,  // an owner of {organization}
    in_namespace,        // who has `role` in {namespace}
    in_repository,       // who has `role` in {repository}; reader: who may pull
  };
  Kind kind = Kind::system;
  access::Role role = access::Role::none;
  std::optional<access::SystemAction> or_action = {};

  constexpr Permission operator||(access::SystemAction action) const { return {kind, role, action}; }
};
inline constexpr Permission kAnyone{.kind = Permission::Kind::anyone};
inline constexpr Permission kAccount{.kind = Permission::Kind::account};
inline constexpr Permission kInPerson{.kind = Permission::Kind::in_person};
inline constexpr Permission kSelf{.kind = Permission::Kind::self};
inline constexpr Permission kCredentials{.kind = Permission::Kind::credentials};
inline constexpr Permission kSeenByMembers{.kind = Permission::Kind::seen_by_members};
inline constexpr Permission kMember{.kind = Permission::Kind::member};
inline constexpr Permission kOrganizationOwner{.kind = Permission::Kind::organization_owner};
inline constexpr Permission kNamespaceOwner{.kind = Permission::Kind::in_namespace,
                                            .role = access::Role::owner};
inline constexpr Permission kReader{.kind = Permission::Kind::in_repository, .role = access::Role::reader};
inline constexpr Permission kMaintainer{.kind = Permission::Kind::in_repository,
                                        .role = access::Role::maintainer};
inline constexpr Permission kOwner{.kind = Permission::Kind::in_repository, .role = access::Role::owner};
constexpr Permission may(access::SystemAction action) { return {.or_action = action}; }
// "self, or contain_incident".
std::string describe(const Permission& permission);

// Whether a change names the state that it was made for (RFC 9110 section 13.1.1).
enum class IfMatch : std::uint8_t { unused, optional, required };

// What a handler gives back. The representation it returns is the one that the description promises.
struct Reply {
  Reply() = default;
  explicit Reply(boost::json::value representation) : body(std::move(representation)) {}

  boost::json::value body;
  std::string location;             // of what was created: its path below /api/v1
  std::optional<std::string> next;  // of a page: where the next one begins after; none on the last
  // In place of all that: an outcome that is a problem to the caller, and no Errc of ours.
  std::optional<ProblemKind> problem;
  std::string detail;
};

// One request on its way through a handler, checked against its description. Blocking work is allowed here.
class Call {
 public:
  using PathValues = std::vector<std::pair<std::string_view, std::string>>;

  Call(const Services& api_services, const Options& api_options, const ManagementCaller& who)
      : services(api_services), options(api_options), caller(who) {}

  const Services& services;
  const Options& options;
  const ManagementCaller& caller;
  // False on the pools of local work, where nothing may wait for another server.
  bool may_wait = true;
  // Where browsers find this installation, as far as it knows for this caller (api/login/browser.h); "" if
  // not.
  std::string browser_origin;
  audit::Origin origin;
  PathValues path_values;
  boost::json::object query;
  boost::json::object body;
  // Pages: at most so many entries, after this one ("" from the beginning).
  std::size_t limit = 0;
  std::string after;
  // What the path names, once the permission was given on it.
  std::shared_ptr<const access::Repository> repository;
  std::optional<identity::Organization> organization;
  std::optional<identity::Account> account;  // {user} or {robot}, of operations on credentials
  // Why it was denied, where that is known (access/decide.h): for the evidence.
  std::string_view denied_for;
  // What the permission rested on, and what a handler adds by its own decisions: standing.h asks for it again
  // where something is written.
  std::optional<identity::MemberRole> held_membership;
  access::Role held_role = access::Role::none;
  std::optional<std::string> makes_in;  // the namespace where a repository is to appear

  const std::string& path(std::string_view name) const;
  // Where a page begins whose entries go by number; 0 from the beginning.
  std::int64_t after_number() const;
  // A path's parameter that is described as a number.
  std::int64_t number(std::string_view name) const;
  bool may(access::SystemAction action) const { return access::decide(caller.system_role, action); }

  // Of the body. Absent fields: nullopt, the default, "".
  bool has(std::string_view name) const { return body.contains(name); }
  bool is_null(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  bool flag(std::string_view name, bool otherwise = false) const;
  Secret<> secret(std::string_view name) const;
  // Of the query.
  std::string filter(std::string_view name) const;
  std::optional<bool> filter_flag(std::string_view name) const;
};

using Handler = Result<Reply> (*)(Call&);

// The other server that a request will wait for, which is asked before it is carried out: then it does so on
// that server's lane. Without one nothing waits. `account`: whose password will be checked, if one will.
struct Wait {
  enum class For : std::uint8_t { nobody, directory, provider, issuer };
  For purpose = For::nobody;
  std::string server = {};
  std::string account = {};
};

struct Operation {
  http::Method method = http::Method::get;
  std::string_view path = {};  // below /api/v1, as in "/users/{user}"
  std::string_view id = {};
  std::string_view tag = {};
  std::string_view summary = {};
  Permission permission = {};
  const Schema* request = nullptr;  // null: no body
  unsigned status = 200;
  const Schema* response = nullptr;  // null: no body
  std::span<const Field> query = {};
  bool paged = false;                  // takes `limit` and `after`
  bool creates = false;                // takes an Idempotency-Key; its answer has a Location
  IfMatch if_match = IfMatch::unused;  // compared with what GET of the same path represents
  bool enrols = false;                 // open to a session that still lacks the second factor asked of it
  bool proof = false;                  // takes a session whose owner proved who they are a short time ago
  bool (*proof_for)(const Call&) = nullptr;  // the same, for those bodies that give power
  bool secret = false;                       // the answer holds a secret, or what should not be kept
  bool slow = false;                         // hashes a password
  Wait (*wait)(Call&) = nullptr;             // which other server it will wait for
  Handler handler = nullptr;
};

// Pages of ITEM: {"items": […], "next": "…"}.
template <const Schema& kItem>
struct PageOf {
  static constexpr Schema kItems = list(kItem, 1000);
  static constexpr Schema kNext = text(1, 1024, kVisible);
  static constexpr Field kFields[] = {
      {"items", &kItems, "", kRequired},
      {"next", &kNext, "What to give as `after` for the next page; absent on the last", false},
  };
  static constexpr Schema kPage = object("", kFields);
};

// The answer of a page: `entries` were asked for with one more than `call.limit`, which tells whether there
// is a next page. `key` is what the next one begins after.
template <class Entries, class Represent, class Key>
Reply page_of(const Call& call, const Entries& entries, Represent represent_one, Key key) {
  boost::json::array items;
  Reply reply;
  for (const auto& entry : entries) {
    if (items.size() == call.limit) {
      reply.next = key(entries[call.limit - 1]);
      break;
    }
    items.push_back(represent_one(entry));
  }
  reply.body = boost::json::object{{"items", std::move(items)}};
  return reply;
}

// Each in the file of its name.
std::span<const Operation> document_operations();
std::span<const Operation> server_operations();
std::span<const Operation> setup_operations();
std::span<const Operation> user_operations();
std::span<const Operation> repository_operations();
std::span<const Operation> upload_operations();
std::span<const Operation> tag_operations();
std::span<const Operation> grant_operations();
std::span<const Operation> namespace_operations();
std::span<const Operation> session_operations();
std::span<const Operation> user_session_operations();
std::span<const Operation> device_login_operations();
std::span<const Operation> token_operations();
std::span<const Operation> policy_operations();
std::span<const Operation> leak_operations();
std::span<const Operation> organization_operations();
std::span<const Operation> member_operations();
std::span<const Operation> team_operations();
std::span<const Operation> robot_operations();
std::span<const Operation> invitation_operations();
std::span<const Operation> factor_operations();
std::span<const Operation> workload_operations();
std::span<const Operation> login_provider_operations();
std::span<const Operation> provider_trial_operations();
std::span<const Operation> team_group_operations();
std::span<const Operation> identity_operations();

// All of them, in the order of the document.
std::vector<const Operation*> all_operations();
// What a parameter of a path can be, by its name.
const Field* path_parameter(std::string_view name);

}  // namespace bulkhead::api::management

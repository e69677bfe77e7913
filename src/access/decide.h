// Who may do what: one function over one table (decide.cc). It reads no database and keeps no state;
// access/facts.h brings it what it decides on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "identity/login/proof.h"
#include "identity/login/token_scopes.h"

namespace bulkhead::access {

// On a repository. Each includes the ones before it; roles.h says where they come from.
enum class Role : std::uint8_t { none, reader, writer, maintainer, owner };
std::string_view name(Role role);
Result<Role> parse_role(std::string_view text);  // reader, writer, maintainer

enum class Action : std::uint8_t { pull, push, remove };
std::string_view name(Action action);  // "pull", "push", "delete": the token protocol's words

// A caller whose credential has been checked.
struct Principal {
  std::int64_t account_id = 0;  // 0: anonymous
  std::string account;
  bool administrator = false;
  // The account's when its credential was checked. A token is issued only while it is still current, so that
  // a log-in that overlaps with a change of password does not outlive it.
  std::int64_t credential_version = 0;
  std::int64_t token_id = 0;  // the access token that it logged in with, or 0
  // What the credential may do at most, whatever the account's roles; null where it sets no limit.
  std::shared_ptr<const identity::TokenScopes> ceiling = nullptr;
  // How it came by its credential, and from where it is used: what policies of organizations ask about.
  identity::Proof proof = {};
  std::string address = {};

  bool anonymous() const { return account_id == 0; }
};

// Who names somebody, in a grant or as an owner, and so has to be able to see them: an account, or nothing
// for who sees everybody. Whom one may not see and who is not there are answered alike.
using Namer = std::optional<std::int64_t>;

enum class Visibility : std::uint8_t { private_, public_ };

// What is known of a repository in relation to one caller.
struct Standing {
  bool exists = false;
  Visibility visibility = Visibility::private_;
  Role role = Role::none;      // the highest there is a reason for, unless a policy withholds it
  bool anonymous_pull = true;  // the installation's setting
  // 0 for what does not exist.
  std::int64_t namespace_id = 0;
  std::int64_t repository_id = 0;
  // Why a role that there is a reason for is withheld: what the policy of the organization whose repository
  // it is finds lacking (identity::Policy). "" for nothing.
  std::string_view lacking = {};
};

// An absent repository is decided on like a private one, by the role in its namespace: whoever has one sees
// an honest "unknown" and gets tokens that still hold once a push has created it; to everybody else absent
// and forbidden are one answer.
//
// A credential's ceiling limits what roles give. What anybody may do without a credential it does not take
// away.
bool decide(const Principal& principal, Action action, const Standing& standing);

// Why something was denied, in the words of the evidence.
namespace why {
inline constexpr std::string_view kRole = "role";  // no role, of any account's, that allows it
inline constexpr std::string_view kToken =
    "token";  // the roles would; what the access token was made for does not
inline constexpr std::string_view kPolicy = "policy";  // a policy withholds it
inline constexpr std::string_view kBearer =
    "bearer";  // the bearer token was not asked for with this in its scope
}  // namespace why
// What of these decide() has said no for; "" where it has not.
std::string_view why_denied(const Principal& principal, Action action, const Standing& standing);

// Whether the principal's credential may do it there, were its roles to allow it. The ids are 0 for what does
// not exist.
bool within_ceiling(const Principal& principal, Action action, std::int64_t namespace_id,
                    std::int64_t repository_id);

}  // namespace bulkhead::access

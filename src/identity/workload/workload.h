// Workload identity: a CI job exchanges its own issuer's token for a short-lived one of a robot, so that
// there is no secret to keep in the CI.
//
// Every change writes its event in its own transaction; removing a trust ends what was issued through it from
// the next request, by a new credential version of its robot. Calls block, and exchange() may ask the
// issuer. Thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "audit/journal.h"
#include "base/secret.h"
#include "db/database.h"
#include "identity/issuers/issuer_keys.h"
#include "identity/workload/workload_trust.h"

namespace bulkhead::identity {

// What an accepted token is worth: a token of the robot's, with these scopes as its ceiling, for so long.
struct WorkloadGrant {
  std::int64_t robot_id = 0;
  std::string robot;
  // The robot's, when the token was accepted; whoever issues on this checks that it still is.
  std::int64_t credential_version = 0;
  std::vector<TokenScope> scopes;
  std::chrono::seconds lifetime{};
};

class Workload {
 public:
  struct Options {
    JwtLimits jwt = {};
    std::size_t trusts_per_robot = 32;
    std::chrono::seconds longest_life{24 * 3600};  // of a CI's token, from "iat" to "exp"
  };
  // Called with the robot's id after a commit that raised its credential version, before the call returns.
  using RobotChanged = std::function<void(std::int64_t)>;

  // All must outlive this.
  Workload(db::Database& database, IssuerKeys& keys, audit::Journal& journal, const Clock& clock,
           RobotChanged robot_changed, Options options);

  // Errc::invalid_argument for what workload_trust.h and workload_rule.h refuse, Errc::not_found when there
  // is no such robot, Errc::name_unknown for a scope of nothing, Errc::quota_exceeded past trusts_per_robot.
  // The issuer is not asked.
  Result<WorkloadTrust> create(const NewWorkloadTrust& wanted, const audit::Origin& origin);
  Result<std::vector<WorkloadTrust>> list(std::int64_t robot_id);
  // Errc::not_found for what is not a trust of the robot.
  Result<void> remove(std::int64_t robot_id, std::int64_t trust_id, const audit::Origin& origin);

  // Checks the token and marks it as used, with its evidence, in one transaction. All trusts that accept it
  // count: their scopes are taken together, and the shortest of their lifetimes. Where they are of several
  // robots, `robot` says which is meant ("" otherwise); Errc::invalid_argument while it does not.
  //
  // Errc::unauthenticated: with a message of what is wrong with the token by itself, or with one message for
  // all that depends on what is stored here (unknown issuer, key, signature, audience, rule, robot that is
  // not active, token used before). Errc::unavailable while the issuer's keys are not known and cannot be
  // fetched. Refusals are journaled as login_failed.
  // With `may_wait` false nobody is asked: the answer comes from what is known, or is Errc::unavailable.
  Result<WorkloadGrant> exchange(const Secret<>& token, std::string_view robot, const audit::Origin& origin,
                                 bool may_wait = true);
  // The issuer that an exchange of this token would ask, or wait for; none when it can be settled without.
  std::optional<std::string> unheard_issuer(const Secret<>& token);

 private:
  struct Refusal;
  static Refusal refused_with(std::string_view reason, const JwtClaims& claims);

  Result<WorkloadGrant> attempt(std::string_view token, std::string_view robot, const audit::Origin& origin,
                                bool may_wait, Refusal& refusal);
  Result<JwtClaims> authenticate(std::string_view token, Time now, bool may_wait, Refusal& refusal);
  Result<std::vector<std::int64_t>> accepting_trusts(const JwtClaims& claims, std::string_view robot,
                                                     Refusal& refusal);
  Result<WorkloadGrant> redeem(db::Session& session, const std::vector<std::int64_t>& trusts,
                               const JwtClaims& claims, Time now, const audit::Origin& origin,
                               Refusal& refusal) const;
  Result<void> record(db::Session& session, audit::Action action, Time now, std::string_view robot,
                      std::string detail, const audit::Origin& origin) const;

  db::Database& database_;
  IssuerKeys& keys_;
  audit::Journal& journal_;
  const Clock& clock_;
  RobotChanged robot_changed_;
  Options options_;
};

}  // namespace bulkhead::identity

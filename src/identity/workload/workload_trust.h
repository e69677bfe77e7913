// Trusts: which tokens of which issuer may act as a robot, and as how much of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "db/database.h"
#include "identity/issuers/web_url.h"
#include "identity/login/token_scopes.h"
#include "identity/workload/workload_rule.h"

namespace bulkhead::identity {

inline constexpr std::chrono::seconds kShortestWorkload{60};
inline constexpr std::chrono::seconds kLongestWorkload{900};
inline constexpr std::size_t kMostWorkloadScopes = 32;
inline constexpr std::size_t kLongestTrustName = 100;
inline constexpr std::size_t kLongestAudience = 255;

struct NewWorkloadTrust {
  std::int64_t robot_id = 0;
  std::string name;
  // One of workload_presets.h, which fills in an empty issuer and holds the rule to claims that it knows; ""
  // for any issuer.
  std::string preset;
  std::string issuer;
  // What tokens must be made out to: this registry, and nobody else.
  std::string audience;
  ClaimRule rule;
  std::vector<TokenScope> scopes;  // each of a repository or of a namespace
  std::chrono::seconds lifetime{kLongestWorkload};
};

struct WorkloadTrust {
  std::int64_t id = 0;
  std::int64_t robot_id = 0;
  std::string name;
  std::string issuer;
  std::string audience;
  ClaimRule rule;
  std::vector<TokenScope> scopes;
  std::chrono::seconds lifetime{};
  Time created_at{};
};

// Fills in what the preset gives, and checks all that can be checked without the database.
// Errc::invalid_argument.
Result<NewWorkloadTrust> complete_trust(NewWorkloadTrust wanted, const PlainHosts& plain);

// Rows. Trusts are made and removed, never changed.
Result<std::int64_t> insert_trust(db::Session& session, const NewWorkloadTrust& trust, Time now);
Result<void> delete_trust(db::Session& session, std::int64_t id);
// One by its id: none or one. All of a robot, in the order of their ids.
Result<std::vector<WorkloadTrust>> read_trust(db::Session& session, std::int64_t id);
Result<std::vector<WorkloadTrust>> read_trusts_of(db::Session& session, std::int64_t robot_id);

// A trust as matching needs it, without its scopes.
struct TrustCandidate {
  std::int64_t id = 0;
  std::string audience;
  ClaimRule rule;
};
// Of an issuer and a robot.
Result<std::vector<TrustCandidate>> read_candidates(db::Session& session, std::string_view issuer,
                                                    std::string_view robot);

}  // namespace bulkhead::identity

// What an installation, and each organization for its members and robots, asks of credentials. What holds for
// an account is the strictest of the installation's policy and those of all organizations it belongs to.
//
// Calls block, except peek(). A change, and forget(), hold from the next call on. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "db/database.h"
#include "identity/secrets/networks.h"

namespace bulkhead::identity {

struct Policy {
  static constexpr std::chrono::hours kLongestTokenLife{365 * 24};

  bool mfa_required = false;
  // Access tokens that were made for longer are refused, and none are made.
  std::chrono::seconds token_life = std::chrono::hours(90 * 24);
  Networks networks;
  bool password_login = true;

  friend bool operator==(const Policy&, const Policy&) = default;
};

// What holds for one account.
struct EffectivePolicy {
  bool mfa_required = false;
  std::chrono::seconds token_life = Policy().token_life;
  bool password_login = true;
  std::vector<Networks> networks;  // an address must be in each

  bool allow(std::string_view address) const;
};

// As this transaction sees it.
Result<EffectivePolicy> read_effective_policy(db::Session& session, std::int64_t account_id);

class Policies {
 public:
  // At most `cached` accounts' policies are kept in memory.
  Policies(db::Database& database, const Clock& clock, std::size_t cached);
  ~Policies();

  static constexpr std::int64_t kInstallation = 0;

  // What was set, or else what stands in Policy. Errc::not_found for an organization that is none.
  Result<Policy> get(std::int64_t organization_id);
  // Replaces the policy and writes the event; setting what is set writes none. Errc::invalid_argument for a
  // token life of less than an hour or more than kLongestTokenLife.
  Result<void> set(std::int64_t organization_id, const Policy& policy, const audit::Origin& origin);

  // nullptr when memory does not have it: effective() then.
  std::shared_ptr<const EffectivePolicy> peek(std::int64_t account_id) const;
  Result<std::shared_ptr<const EffectivePolicy>> effective(std::int64_t account_id);

  // After any change of who belongs to which organization has committed, before it is answered.
  void forget();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::identity

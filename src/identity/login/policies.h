// What an installation, and each organization, asks of credentials. The installation's policy holds for every
// account and wherever it goes. An organization's holds for what is reached through it: its repositories and
// settings, whoever comes there, and its robots, wherever they go; a person's other log-ins are no business
// of an organization that they belong to.
//
// Calls block, except peek(). A change, and forget(), hold from the next call on. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "db/database.h"
#include "identity/login/proof.h"
#include "identity/secrets/networks.h"

namespace bulkhead::identity {

struct Policy {
  static constexpr std::chrono::hours kLongestTokenLife{365 * 24};

  bool mfa_required = false;
  // Access tokens that were made for longer are refused, and none are made.
  std::chrono::seconds token_life = std::chrono::hours(90 * 24);
  Networks networks;
  bool password_login = true;

  // What a caller lacks to be let in, for a sentence that begins with "it takes"; "" for nothing.
  std::string_view lacking(const Proof& proof, std::string_view address) const;

  friend bool operator==(const Policy&, const Policy&) = default;
};

// What holds for one account wherever it goes: the installation's policy, and for a robot the strictest of
// that and its organization's.
struct EffectivePolicy {
  bool mfa_required = false;
  std::chrono::seconds token_life = Policy().token_life;
  bool password_login = true;
  std::vector<Networks> networks;  // an address must be in each

  bool allow(std::string_view address) const;
};

// For whoever has shown the right credential in a network that a policy does not allow.
Error kept_out(Errc code, std::string_view address);

// As this transaction sees them.
Result<Policy> read_organization_policy(db::Session& session, std::int64_t organization_id);
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

  // What the organization asks of those who come to it; nullptr when memory does not have it.
  std::shared_ptr<const Policy> peek_organization(std::int64_t organization_id) const;
  Result<std::shared_ptr<const Policy>> of_organization(std::int64_t organization_id);

  // After any change of which robots belong to which organization has committed, before it is answered.
  void forget();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::identity

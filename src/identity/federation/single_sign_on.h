// From a person whom a log-in provider has vouched for to the account that they are here.
//
// A person is known by the provider and its subject, never by a name or an e-mail address: an account whose
// name happens to be the same is somebody else's until an administrator links it. What the provider says of
// name, address and groups is taken over with each log-in and refresh.
//
// Calls block. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "identity/federation/external_person.h"
#include "identity/federation/login_provider.h"
#include "identity/login/sessions.h"
#include "identity/people/directory.h"

namespace bulkhead::identity {

struct ExternalIdentity {
  std::int64_t provider_id = 0;
  std::string provider;
  std::string subject;
  std::int64_t account_id = 0;
  std::string account;
  Time last_seen_at{};
};

class SingleSignOn {
 public:
  // All must outlive this.
  SingleSignOn(const Directory& directory, Sessions& sessions) : directory_(directory), sessions_(sessions) {}

  // The person's account, made where there is none and the provider may, with their profile and directory
  // memberships brought up to date. Errc::denied, saying why, when they are in none of the admitted groups,
  // when no account may be made, or when the account is not active; Errc::conflict when the account that
  // would be made has a name that is taken; Errc::name_invalid when nothing of the person's name can be one.
  // Groups that nobody knows of (ExternalPerson::groups_complete) admit nobody and take nothing away.
  Result<Account> admit(const LoginProvider& provider, const ExternalPerson& person,
                        const audit::Origin& origin);

  // The provider does not vouch for them any more: ends their sessions that it vouched for, and the
  // memberships that it gave them.
  Result<void> dismiss(const LoginProvider& provider, std::string_view subject, const audit::Origin& origin);

  // Of an account, by provider.
  Result<std::vector<ExternalIdentity>> identities(std::int64_t account_id) const;
  // Errc::conflict when either has one of that provider already; Errc::invalid_argument for a robot.
  Result<void> link(std::int64_t provider_id, std::string_view subject, std::int64_t account_id,
                    const audit::Origin& origin);
  // With the sessions and the memberships that came of it. Errc::not_found.
  Result<void> unlink(std::int64_t provider_id, std::int64_t account_id, const audit::Origin& origin);

 private:
  const Directory& directory_;
  Sessions& sessions_;
};

}  // namespace bulkhead::identity

// Callers by what they present: sessions and access tokens.
#pragma once

#include "api/management/caller.h"
#include "api/services.h"
#include "identity/login/access_token.h"
#include "identity/login/sessions.h"
#include "identity/people/account.h"

namespace bulkhead::api::management {

class CredentialAuthenticator final : public Authenticator {
 public:
  // `services` must outlive this.
  explicit CredentialAuthenticator(const Services& services) : services_(services) {}

  std::optional<Result<ManagementCaller>> peek(std::string_view credential,
                                               const audit::Origin& origin) override;
  Result<ManagementCaller> verify(std::string_view credential, const audit::Origin& origin) override;

 private:
  using SessionChecked = identity::Sessions::Checked;
  using Token = std::shared_ptr<const identity::AccessToken>;

  static ManagementCaller of_session(const identity::Account& account, const SessionChecked& checked,
                                     const audit::Origin& origin);
  static ManagementCaller of_token(const identity::Account& account, const Token& token,
                                   const audit::Origin& origin);
  Result<identity::Account> account(std::int64_t id) const;
  static Error not_valid();

  const Services& services_;
};

}  // namespace bulkhead::api::management

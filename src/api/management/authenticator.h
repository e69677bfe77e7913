// Callers by what they present: sessions and access tokens.
#pragma once

#include "api/management/caller.h"
#include "api/services.h"
#include "identity/login/access_token.h"

namespace bulkhead::api::management {

class CredentialAuthenticator final : public Authenticator {
 public:
  // `services` must outlive this.
  explicit CredentialAuthenticator(const Services& services) : services_(services) {}

  Result<ManagementCaller> verify(std::string_view credential, const audit::Origin& origin) override;

 private:
  Result<ManagementCaller> caller(std::int64_t account_id,
                                  const std::shared_ptr<const identity::AccessToken>& token) const;
  static Error not_valid();

  const Services& services_;
};

}  // namespace bulkhead::api::management

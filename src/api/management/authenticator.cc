#include "api/management/authenticator.h"

namespace bulkhead::api::management {

Result<ManagementCaller> CredentialAuthenticator::verify(std::string_view, const audit::Origin&) {
  return Error{Errc::unauthenticated, "the credential is not valid here"};
}

}  // namespace bulkhead::api::management

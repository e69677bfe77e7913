// The access token that "login --docker" makes for docker and podman, and its end.
#pragma once

#include <string>

#include "base/error.h"
#include "cli/api_client.h"
#include "cli/login_store.h"

namespace bulkhead::cli {

// For everything that the account may reach, for a week.
Result<LoginStore::RegistryCredential> make_registry_token(ApiClient& client, const std::string& name);

// Revokes one that is not kept any more, in a session of its owner; nothing for what "login --docker" did not
// make. Where that cannot be done (`owner` is null where nobody of that name is logged in), standard error
// says which token still works, and what ends it.
void end_registry_token(ApiClient* owner, const LoginStore::RegistryCredential& credential);

// The same with whatever session the store has of its owner.
void end_registry_token(const LoginStore& store, const std::string& registry,
                        const LoginStore::RegistryCredential& credential);

}  // namespace bulkhead::cli

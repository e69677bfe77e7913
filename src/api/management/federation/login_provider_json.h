// How log-in providers are represented, and what they are made of in requests.
#pragma once

#include <boost/json/object.hpp>

#include "api/management/operation.h"
#include "identity/federation/login_provider.h"

namespace bulkhead::api::management {

extern const Schema kLoginProvider;
// What POST and PUT take; what is left out has its default.
extern const Schema kLoginProviderInput;

// Never with the secret.
boost::json::object represent(const Call& call, const identity::LoginProvider& provider);
// From a body of kLoginProviderInput. Errc::invalid_argument when it is not of exactly one kind.
Result<identity::LoginProvider> read_login_provider(const Call& call);

}  // namespace bulkhead::api::management

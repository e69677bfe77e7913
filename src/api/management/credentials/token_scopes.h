// What tokens may do at most, by the names that people know; the rest of the program goes by ids.
#pragma once

#include <boost/json/array.hpp>

#include "api/management/operation.h"
#include "identity/login/token_scopes.h"

namespace bulkhead::api::management {

extern const Schema kTokenScopes;

// Errc::name_unknown for what the caller cannot see, and for what is not there.
Result<identity::TokenScopes> read_scopes(Call& call, const boost::json::value& scopes);
// A scope of what is gone is left out, and of what the viewer, by default the caller, may not see.
Result<boost::json::array> represent_scopes(const Call& call, const identity::TokenScopes& scopes);
Result<boost::json::array> represent_scopes(const Call& call, const identity::TokenScopes& scopes,
                                            const access::Principal& viewer);

}  // namespace bulkhead::api::management

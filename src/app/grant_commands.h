// The operator's commands about roles: given, taken away, listed.
#pragma once

#include <boost/json/fwd.hpp>

#include "app/arguments.h"
#include "app/installation.h"
#include "base/error.h"

namespace bulkhead::app {

// "subject", "role", "target".
Result<boost::json::value> set_grant(Installation& installation, Arguments& arguments,
                                     const audit::Origin& origin);
Result<boost::json::value> remove_grant(Installation& installation, Arguments& arguments,
                                        const audit::Origin& origin);
// All roles given; with "repository" NAMESPACE/ those on it; with a repository everybody who has a role
// there, an entry for each reason.
Result<boost::json::value> list_grants(Installation& installation, Arguments& arguments);

}  // namespace bulkhead::app

// The operator's way into the management API: "api.request" is one request of it, made without a credential
// by whoever may command the installation. It may do everything, to everything.
#pragma once

#include <boost/json/fwd.hpp>

#include "app/arguments.h"
#include "app/installation.h"
#include "base/error.h"

namespace bulkhead::app {

// {"method", "path", "body", "if_match"} in; {"status", "body", "etag"} out, also for what was refused.
Result<boost::json::value> api_request(Installation& installation, Arguments& arguments,
                                       const audit::Origin& origin);

}  // namespace bulkhead::app

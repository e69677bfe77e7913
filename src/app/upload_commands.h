// The operator's commands on uploads: what is staged in a repository, and its cancelling.
#pragma once

#include <boost/json/fwd.hpp>

#include "app/arguments.h"
#include "app/installation.h"
#include "base/error.h"

namespace bulkhead::app {

// {"name"}: an array of {id, account, bytes, last_used_at}.
Result<boost::json::value> list_uploads(Installation& installation, Arguments& arguments);
// {"name", "id"}; without an id all of them, which no request is at work on. {"cancelled": number}.
Result<boost::json::value> cancel_uploads(Installation& installation, Arguments& arguments,
                                          const audit::Origin& origin);

}  // namespace bulkhead::app

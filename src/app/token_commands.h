// The operator's commands for access tokens: any account's.
#pragma once

#include <boost/json/fwd.hpp>

#include "app/arguments.h"
#include "app/installation.h"
#include "audit/event.h"
#include "base/error.h"

namespace bulkhead::app {

// A token as JSON: number, name, scopes by name, management, networks, its state and times; never the secret,
// except under "token" once, when it has been made.
//
// `account`, `name`, `scopes` ("WHERE:ACTIONS" with spaces between; WHERE is a repository, a namespace with
// its closing "/", or "*"), `management`, `networks`, `lifetime_seconds`.
Result<boost::json::value> token_create(Installation& installation, Arguments& arguments,
                                        const audit::Origin& origin);
// `account`.
Result<boost::json::value> token_list(Installation& installation, Arguments& arguments);
// `account`, and `id` or `all`.
Result<boost::json::value> token_revoke(Installation& installation, Arguments& arguments,
                                        const audit::Origin& origin);
// `account`, `id`, `overlap_seconds`.
Result<boost::json::value> token_rotate(Installation& installation, Arguments& arguments,
                                        const audit::Origin& origin);

}  // namespace bulkhead::app

// The operator's commands about keys: the server's half. They answer with versions and counts, never with a
// key.
#pragma once

#include <boost/json/fwd.hpp>

#include "app/arguments.h"
#include "app/installation.h"

namespace bulkhead::app {

// {"sealed", "locked", "left": {"data_keys", "values", "lost_values"}, "versions": [{"purpose", "version",
// "created_at", "current", "needed_by": [{"what", "count"}], "may_go"}]}.
Result<boost::json::value> list_keys(Installation& installation, Arguments& arguments);

// "purpose" -> {"purpose", "version"}.
Result<boost::json::value> rotate_key(Installation& installation, Arguments& arguments,
                                      const audit::Origin& origin);

// One step of bringing everything under the current key-encryption key: "stage" and "after" of the step
// before
// -> {"stage", "after", "changed", "unreadable", "finished"}.
Result<boost::json::value> advance_rotation(Installation& installation, Arguments& arguments,
                                            const audit::Origin& origin);

// "purpose", "version", "force".
Result<boost::json::value> retire_key(Installation& installation, Arguments& arguments,
                                      const audit::Origin& origin);

// "passphrase_file": the server reads it; "" leaves the key files plain.
Result<boost::json::value> protect_keys(Installation& installation, Arguments& arguments,
                                        const audit::Origin& origin);

}  // namespace bulkhead::app

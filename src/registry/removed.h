// What repositories leave behind that were removed (access/facts.h): tags, manifests, links to blobs, and the
// scopes of tokens that name them. Nothing finds any of it. It goes in steps, so that nobody waits for one
// that held much; whoever is interrupted goes on where the last step ended.
#pragma once

#include "db/database.h"

namespace bulkhead::registry {

// One step, a transaction of some thousand rows at most: false when there was nothing left to do. Blocking.
Result<bool> clean_up_removed(db::Database& database);

}  // namespace bulkhead::registry

// Writes a change's event inside the change's transaction: no change without its evidence.
#pragma once

#include "audit/event.h"
#include "db/database.h"

namespace bulkhead::audit {

Result<void> record(db::Session& session, const Event& event);

}  // namespace bulkhead::audit

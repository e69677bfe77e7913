// Writes a change's event inside the change's transaction: no change without its evidence.
#pragma once

#include "audit/event.h"
#include "db/database.h"

namespace bulkhead::audit {

// Texts that are not UTF-8, hold NUL or are longer than event.h allows are made to fit rather than refused: a
// client's odd User-Agent must not decide whether a push succeeds.
Result<void> record(db::Session& session, const Event& event);

}  // namespace bulkhead::audit

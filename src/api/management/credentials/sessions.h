// The answer to a log-in, however it was done.
#pragma once

#include "api/management/operation.h"
#include "identity/login/sessions.h"

namespace bulkhead::api::management {

extern const Schema kStartedSession;

Result<Reply> started_reply(const Call& call, const identity::Account& account,
                            const identity::Sessions::Started& started);

}  // namespace bulkhead::api::management

// Sessions as they are shown, and the answer to a log-in, however it was done.
#pragma once

#include "api/management/operation.h"
#include "identity/login/sessions.h"

namespace bulkhead::api::management {

extern const Schema kSession;
extern const Schema kSessionList;
extern const Schema kStartedSession;

// `current` is the caller's own.
Result<boost::json::object> represent_session(const identity::Session& session, const Call& call);

Result<Reply> started_reply(const Call& call, const identity::Account& account,
                            const identity::Sessions::Started& started);

}  // namespace bulkhead::api::management

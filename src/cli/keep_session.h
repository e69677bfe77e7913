// Sessions of single sign-on, refreshed as they are used: once an hour the server is told to ask the log-in
// provider again.
#pragma once

#include <cstdint>
#include <string>

#include "cli/api_client.h"
#include "cli/login_store.h"

namespace bulkhead::cli {

inline constexpr std::int64_t kRefreshSeconds = 3600;

// Does nothing for a session that is not due. Whether the server could do it is not this command's concern: a
// session that has ended shows in what comes next. Times in seconds since 1970.
void keep_session(ApiClient& client, LoginStore& store, const std::string& server, std::int64_t now);

}  // namespace bulkhead::cli

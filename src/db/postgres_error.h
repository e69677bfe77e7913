// PostgreSQL's SQLSTATE codes (its manual, appendix A) as error codes. Internal to db.
#pragma once

#include <string_view>

#include "base/error.h"

namespace bulkhead::db {

// `sqlstate` is empty when the connection failed and no answer came.
Errc postgres_errc(std::string_view sqlstate);

// A serialization failure or a deadlock.
bool is_retryable(std::string_view sqlstate);

}  // namespace bulkhead::db

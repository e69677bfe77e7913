// SQLite's result codes as errors for people; internal to db.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/error.h"

struct sqlite3;

namespace bulkhead::db {

// The error of the last call on `connection` (null when there was not enough memory to have one). `sql` is
// the statement, quoted when the error is a bug; it may be empty.
Error sqlite_error(sqlite3* connection, const std::filesystem::path& path, std::string_view sql);

}  // namespace bulkhead::db

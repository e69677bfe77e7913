#include "db/sqlite_error.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <system_error>

#include "db/parameters.h"

namespace bulkhead::db {
namespace {

// Also what a start says that finds no room for its log.
constexpr std::string_view kMakeRoom =
    "make room there; while no server runs, what is in blobs/staging/ beside it, unfinished uploads, may be "
    "removed";

std::string reason(int error_number) { return std::generic_category().message(error_number); }

Error input_output_error(sqlite3* connection, const std::string& file) {
  const int error_number = sqlite3_system_errno(connection);
  // A quota or a file size limit ends like a full disk; SQLite itself names only ENOSPC so.
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG) {
    return {Errc::no_space,
            fmt::format("no space to write the database {}: {}: {}", file, reason(error_number), kMakeRoom)};
  }
  return {Errc::internal, fmt::format("cannot read or write the database {}: {} ({})", file,
                                      sqlite3_errmsg(connection), reason(error_number))};
}

bool is_conflict(int extended_code) {
  switch (extended_code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
    case SQLITE_CONSTRAINT_CHECK:
    case SQLITE_CONSTRAINT_FOREIGNKEY: return true;
    default: return false;
  }
}

Error described(sqlite3* connection, const std::filesystem::path& path, std::string_view sql) {
  const std::string file = path.string();
  if (!connection) return {Errc::internal, fmt::format("not enough memory to open the database {}", file)};
  const int extended_code = sqlite3_extended_errcode(connection);
  const char* const message = sqlite3_errmsg(connection);
  if (is_conflict(extended_code)) return {Errc::conflict, message};
  switch (extended_code & 0xff) {
    case SQLITE_FULL:
      return {Errc::no_space, fmt::format("the disk of the database {} is full: {}", file, kMakeRoom)};
    case SQLITE_IOERR: return input_output_error(connection, file);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::unavailable, fmt::format("the database {} is locked by another process", file)};
    case SQLITE_INTERRUPT:
      return {Errc::unavailable,
              fmt::format("a statement took longer than the time limit: {}", excerpt(sql))};
    case SQLITE_CANTOPEN:
      return {Errc::unavailable,
              fmt::format("cannot open the database {}: {}", file, reason(sqlite3_system_errno(connection)))};
    case SQLITE_READONLY:
      return {Errc::internal,
              sql.empty()
                  ? fmt::format("the database {} may not be written: check its owner and permissions", file)
                  : fmt::format("the database {} may not be written here: {}", file, excerpt(sql))};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Errc::internal,
              fmt::format("the database {} is damaged ({}): stop the server and restore a backup", file,
                          message)};
    default:
      return {Errc::internal, sql.empty() ? fmt::format("database {}: {}", file, message)
                                          : fmt::format("database {}: {}: {}", file, message, excerpt(sql))};
  }
}

}  // namespace

Error sqlite_error(sqlite3* connection, const std::filesystem::path& path, std::string_view sql) {
  Error error = described(connection, path, sql);
  error.inside = true;
  return error;
}

}  // namespace bulkhead::db

#include "db/sqlite_connection.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <thread>

#include "db/parameters.h"
#include "db/sqlite_error.h"

namespace bulkhead::db {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kStatements = 64;         // prepared statements kept by a connection
constexpr int kOperationsBetweenChecks = 4096;  // of SQLite's virtual machine, between looks at the clock

// Sizes are small on purpose: five connections fit in a process that idles under 40 MiB.
constexpr const char* kSettings =
    "PRAGMA synchronous = FULL;"  // in WAL mode: the log is synced by every COMMIT
    "PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA case_sensitive_like = ON;"        // as in PostgreSQL
    "PRAGMA temp_store = MEMORY;"             // sorts leave nothing in /tmp
    "PRAGMA cache_size = -2048;"              // KiB
    "PRAGMA wal_autocheckpoint = 2048;"       // pages: 8 MiB of log
    "PRAGMA journal_size_limit = 33554432;";  // bytes of log kept after a checkpoint

Result<Value> column(sqlite3_stmt* statement, int index) {
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_NULL: return Value{};
    case SQLITE_INTEGER: return Value{std::int64_t{sqlite3_column_int64(statement, index)}};
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
      if (!text) return Error{Errc::internal, "not enough memory for a row of the database"};
      return Value{std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, index)))};
    }
    default:
      return Error{Errc::internal, fmt::format("column {} of a result is neither integer nor text: {}",
                                               index + 1, excerpt(sqlite3_sql(statement)))};
  }
}

bool only_blanks(std::string_view text) {
  return text.find_first_not_of(" \t\r\n;") == std::string_view::npos;
}

}  // namespace

void SqliteConnection::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
void SqliteConnection::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

SqliteConnection::SqliteConnection(std::filesystem::path path, milliseconds limit)
    : path_(std::move(path)),
      limit_(limit),
      deadline_(steady_clock::time_point::max()),
      statements_(kStatements) {}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::filesystem::path& path,
                                                                 SqliteRole role, milliseconds limit) {
  std::unique_ptr<SqliteConnection> self(new SqliteConnection(path, limit));
  if (Result<void> ready = self->set_up(role); !ready) return ready.error();
  return self;
}

Result<void> SqliteConnection::set_up(SqliteRole role) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (role == SqliteRole::writer) {
    flags |= SQLITE_OPEN_CREATE;
    // SQLite would create it readable for all, and gives its log the same mode. mknod() because closing a
    // descriptor of the file would drop the locks that another connection of this process holds on it. Where
    // it fails, opening says why.
    static_cast<void>(::mknod(path_.c_str(), S_IFREG | 0600, 0));
  }
  sqlite3* connection = nullptr;
  const int opened = sqlite3_open_v2(path_.c_str(), &connection, flags, nullptr);
  connection_.reset(connection);
  if (opened != SQLITE_OK) return sqlite_error(connection, path_, {});
  sqlite3_busy_timeout(connection, static_cast<int>(limit_.count()));
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_progress_handler(connection, kOperationsBetweenChecks, past_deadline, this);
  if (role == SqliteRole::writer) {
    if (sqlite3_db_readonly(connection, "main") == 1) {
      return Error{
          Errc::internal,
          fmt::format("the database {} may not be written: check its owner and permissions", path_.string())};
    }
    if (Result<void> wal = enter_wal(); !wal) return wal.error();
  }
  if (Result<void> set = run_script(kSettings); !set) return set.error();
  return run_script(role == SqliteRole::reader ? "PRAGMA query_only = ON" : "");
}

// Two processes that do this to a new file at once can meet in a lock that SQLite does not wait for.
Result<void> SqliteConnection::enter_wal() {
  const auto deadline = steady_clock::now() + limit_;
  while (true) {
    const Result<Outcome> mode = run("PRAGMA journal_mode = WAL", {});
    if (mode) {
      if (!mode->rows.empty() && mode->rows.front().text(0) == "wal") return {};
      return Error{Errc::internal,
                   fmt::format("the file system of the database {} cannot do write-ahead logging; "
                               "use a local disk",
                               path_.string())};
    }
    if (mode.error().code != Errc::unavailable || steady_clock::now() >= deadline) return mode.error();
    std::this_thread::sleep_for(milliseconds(5));
  }
}

Result<Outcome> SqliteConnection::run(std::string_view sql, std::span<const Value> parameters) {
  Result<sqlite3_stmt*> prepared = prepare(sql);
  if (!prepared) return prepared.error();
  deadline_ = steady_clock::now() + limit_;
  Result<void> bound = bind(*prepared, sql, parameters);
  Result<Outcome> outcome = bound ? step(*prepared, sql) : Result<Outcome>(bound.error());
  // Bound text is the caller's and must not be remembered; reset repeats the error that step() has reported.
  sqlite3_reset(*prepared);
  sqlite3_clear_bindings(*prepared);
  return outcome;
}

Result<void> SqliteConnection::run_script(const std::string& sql) {
  deadline_ = steady_clock::time_point::max();
  if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return sqlite_error(connection_.get(), path_, {});
}

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }

bool SqliteConnection::has_dangling_references() const {
  int current = 0;
  int highest = 0;
  sqlite3_db_status(connection_.get(), SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highest, 0);
  return current != 0;
}

Result<sqlite3_stmt*> SqliteConnection::prepare(std::string_view sql) {
  if (const Statement* kept = statements_.find(sql)) return kept->get();
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, &rest);
  Statement owned(statement);
  if (code != SQLITE_OK) return sqlite_error(connection_.get(), path_, sql);
  if (!statement || !only_blanks(sql.substr(static_cast<std::size_t>(rest - sql.data())))) {
    return Error{Errc::internal, fmt::format("not exactly one SQL statement: {}", excerpt(sql))};
  }
  statements_.insert(std::string(sql), std::move(owned));
  return statement;
}

Result<void> SqliteConnection::bind(sqlite3_stmt* statement, std::string_view sql,
                                    std::span<const Value> parameters) {
  const auto expected = static_cast<std::size_t>(sqlite3_bind_parameter_count(statement));
  if (expected != parameters.size()) return wrong_parameter_count(sql, expected, parameters.size());
  int index = 0;
  for (const Value& value : parameters) {
    ++index;
    int code = SQLITE_OK;  // an unbound parameter is NULL
    if (const auto* integer = value.integer()) {
      code = sqlite3_bind_int64(statement, index, *integer);
    } else if (const auto* text = value.text()) {
      code = sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    if (code != SQLITE_OK) return sqlite_error(connection_.get(), path_, sql);
  }
  return {};
}

Result<Outcome> SqliteConnection::step(sqlite3_stmt* statement, std::string_view sql) {
  Outcome outcome;
  const std::int64_t changes_before = sqlite3_total_changes64(connection_.get());
  const int columns = sqlite3_column_count(statement);
  while (true) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) return sqlite_error(connection_.get(), path_, sql);
    std::vector<Value> values;
    values.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) {
      Result<Value> value = column(statement, i);
      if (!value) return value.error();
      values.push_back(std::move(*value));
    }
    outcome.rows.emplace_back(std::move(values));
  }
  // Statements that change no rows leave the count of the one before them.
  if (sqlite3_total_changes64(connection_.get()) != changes_before) {
    outcome.changed = sqlite3_changes64(connection_.get());
  }
  return outcome;
}

int SqliteConnection::past_deadline(void* self) {
  return steady_clock::now() > static_cast<SqliteConnection*>(self)->deadline_ ? 1 : 0;
}

}  // namespace bulkhead::db

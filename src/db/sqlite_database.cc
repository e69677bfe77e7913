#include <fmt/format.h>

#include "db/condition.h"
#include "db/engine.h"
#include "db/nesting.h"
#include "db/pool.h"
#include "db/sqlite_connection.h"
#include "db/sqlite_writer.h"
#include "db/transaction.h"

namespace bulkhead::db {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr Dialect kDialect = {
    .id = "INTEGER PRIMARY KEY AUTOINCREMENT",
    .bytewise = "",
    .keyed = "WITHOUT ROWID",
    .begin_migration = "BEGIN IMMEDIATE",
    .find_version_table = "SELECT 1 FROM pragma_table_info('schema_migrations') WHERE name = 'applied_at'",
    .find_tables = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name LIMIT 3",
};

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(const std::filesystem::path& path, std::unique_ptr<SqliteConnection> writer,
                 const Options& options)
      : limit_(options.timeout_ms),
        writer_(std::move(writer), SqliteWriterLimits{.wait = limit_}),
        readers_(options.readers,
                 [path, limit = limit_] { return SqliteConnection::open(path, SqliteRole::reader, limit); }) {
  }

  Result<void> read(const Work& work) override {
    Result<Nesting::Scope> scope = nesting_.enter();
    if (!scope) return scope.error();
    Result<Pool<SqliteConnection>::Lease> reader = readers_.acquire(steady_clock::now() + limit_);
    if (!reader) return reader.error();
    SqliteConnection& connection = **reader;
    // Deferred: the snapshot is taken by the first statement, and no lock by any.
    if (Result<Outcome> begun = connection.run("BEGIN DEFERRED", {}); !begun) return begun.error();
    const WorkOutcome outcome = Transaction(connection).perform(work);
    if (connection.in_transaction() && !connection.run("ROLLBACK", {})) reader->discard();
    return outcome.deliver();
  }

  Result<void> write(const Work& work) override {
    {
      Result<Nesting::Scope> scope = nesting_.enter();
      if (!scope) return scope.error();
    }
    // The callback runs on the writer's thread, and a transaction inside it would begin there.
    const Work conditional = Condition::before(work);
    return writer_.write([&](Session& session) -> Result<void> {
      Result<Nesting::Scope> scope = nesting_.enter();
      if (!scope) return scope.error();
      return conditional(session);
    });
  }

  Result<void> ping() override {
    return read([](Session& session) -> Result<void> {
      Result<std::vector<Row>> rows = session.query("SELECT max(version) FROM schema_migrations");
      if (!rows) return rows.error();
      return {};
    });
  }

  std::string_view engine() const override { return "sqlite"; }

 private:
  const milliseconds limit_;
  Nesting nesting_;
  SqliteWriter writer_;
  Pool<SqliteConnection> readers_;
};

// A writer would already change the file: it turns write-ahead logging on.
Result<void> look_into(const std::filesystem::path& file, const Options& options,
                       std::span<const Migration> migrations) {
  std::error_code absent;
  const auto size = std::filesystem::file_size(file, absent);
  if (absent || size == 0) {
    if (options.make) return {};
    return Error{Errc::not_found, fmt::format("the database {} is missing or holds nothing", file.string())};
  }
  auto reader = SqliteConnection::open(file, SqliteRole::reader, milliseconds(options.timeout_ms));
  if (!reader) return reader.error();
  return look(**reader, kDialect, options, migrations);
}

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(std::string_view path, const Options& options,
                                              std::span<const Migration> migrations) {
  if (path.empty() || path == ":memory:") {
    return Error{Errc::invalid_argument, "the database sqlite:PATH needs the path of a file"};
  }
  // Absolute: a change of directory must not lead later connections elsewhere, and SQLite reads "file:…" as a
  // URL.
  const std::filesystem::path file = std::filesystem::absolute(path);
  if (Result<void> looked = look_into(file, options, migrations); !looked) return looked.error();
  Result<std::unique_ptr<SqliteConnection>> writer =
      SqliteConnection::open(file, SqliteRole::writer, milliseconds(options.timeout_ms));
  if (!writer) return writer.error();
  Result<void> migrated =
      options.look_only ? check_current(**writer, migrations) : migrate(**writer, kDialect, migrations);
  if (!migrated) return migrated.error();
  return std::make_unique<SqliteDatabase>(file, std::move(*writer), options);
}

}  // namespace bulkhead::db

#include "db/migrations.h"

#include <fmt/format.h>

#include "base/clock.h"

namespace bulkhead::db {
namespace {

constexpr std::string_view kCreateVersionTable =
    "CREATE TABLE schema_migrations ("
    " version BIGINT PRIMARY KEY,"
    " name TEXT NOT NULL,"
    " applied_at BIGINT NOT NULL)";

// Of a database that has a version table.
Result<std::int64_t> read_version(Connection& connection) {
  Result<Outcome> version = connection.run("SELECT coalesce(max(version), 0) FROM schema_migrations", {});
  if (!version) return version.error();
  return version->rows.front().integer(0);
}

// 0 for an empty database, in which it makes the version table.
Result<std::int64_t> schema_version(Connection& connection, const Dialect& dialect) {
  Result<Outcome> table = connection.run(dialect.find_version_table, {});
  if (!table) return table.error();
  if (!table->rows.empty()) return read_version(connection);
  if (Result<Outcome> created = connection.run(kCreateVersionTable, {}); !created) return created.error();
  return 0;
}

Result<void> apply(Connection& connection, const Dialect& dialect, const Migration& migration) {
  Result<std::string> script = render(migration.sql, dialect);
  if (!script) return script.error();
  if (Result<void> ran = connection.run_unbounded(*script); !ran) {
    return Error{ran.error().code, fmt::format("database migration {} ({}) failed and was undone: {}",
                                               migration.version, migration.name, ran.error().message)};
  }
  const Value line[] = {std::int64_t{migration.version}, std::string(migration.name),
                        to_micros(SystemClock().now())};
  Result<Outcome> recorded =
      connection.run("INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, ?)", line);
  if (!recorded) return recorded.error();
  return {};
}

Error too_new(std::int64_t version, std::int64_t known) {
  return {Errc::unsupported,
          fmt::format("the database has schema version {} and this program knows versions up to {}: it was "
                      "used by a newer bulkhead. Run that one, or restore a backup from before the upgrade",
                      version, known)};
}

// One step, inside the transaction: true when there was nothing left to do.
Result<bool> advance(Connection& connection, const Dialect& dialect, std::span<const Migration> migrations) {
  Result<std::int64_t> version = schema_version(connection, dialect);
  if (!version) return version.error();
  const auto known = static_cast<std::int64_t>(migrations.size());
  if (*version > known) return too_new(*version, known);
  if (*version == known) return true;
  Result<void> applied = apply(connection, dialect, migrations[static_cast<std::size_t>(*version)]);
  if (!applied) return applied.error();
  return false;
}

Result<void> may_upgrade(Connection& connection, const Options& options,
                         std::span<const Migration> migrations) {
  const Result<std::int64_t> version = read_version(connection);
  if (!version) return version.error();
  const auto known = static_cast<std::int64_t>(migrations.size());
  // Of one without any step done there is nothing to lose; a newer one is refused by migrate().
  if (*version == 0 || *version >= known || !options.upgrade) return {};
  return options.upgrade(*version, known);
}

}  // namespace

Result<std::string> render(std::string_view sql, const Dialect& dialect) {
  std::string rendered;
  while (true) {
    const std::size_t open = sql.find("{{");
    rendered += sql.substr(0, open);
    if (open == std::string_view::npos) return rendered;
    const std::size_t close = sql.find("}}", open);
    const std::string_view name =
        close == std::string_view::npos ? sql.substr(open) : sql.substr(open + 2, close - open - 2);
    if (name == "id") {
      rendered += dialect.id;
    } else if (name == "bytewise") {
      rendered += dialect.bytewise;
    } else if (name == "keyed") {
      rendered += dialect.keyed;
    } else {
      return Error{Errc::internal, fmt::format("a migration uses the unknown placeholder {}", name)};
    }
    sql.remove_prefix(close + 2);
  }
}

Result<void> look(Connection& connection, const Dialect& dialect, const Options& options,
                  std::span<const Migration> migrations) {
  Result<Outcome> own = connection.run(dialect.find_version_table, {});
  if (!own) return own.error();
  if (!own->rows.empty()) return may_upgrade(connection, options, migrations);
  Result<Outcome> others = connection.run(dialect.find_tables, {});
  if (!others) return others.error();
  if (others->rows.empty()) {
    if (options.make) return {};
    return Error{Errc::not_found, "the database that the settings name holds nothing"};
  }
  // Somebody else may have begun it between the two looks.
  own = connection.run(dialect.find_version_table, {});
  if (!own) return own.error();
  if (!own->rows.empty()) return may_upgrade(connection, options, migrations);
  std::string names;
  for (const Row& row : others->rows) names += (names.empty() ? "" : ", ") + row.text(0);
  return Error{Errc::conflict,
               fmt::format("the database that the settings name is another program's: it holds tables ({}) "
                           "and none of Bulkhead's. Name the right one, or make one for Bulkhead alone",
                           names)};
}

Result<void> check_current(Connection& connection, std::span<const Migration> migrations) {
  const auto version = connection.run("SELECT coalesce(max(version), 0) FROM schema_migrations", {});
  if (!version) return version.error();
  const std::int64_t there = version->rows.front().integer(0);
  const auto known = static_cast<std::int64_t>(migrations.size());
  if (there > known) return too_new(there, known);
  if (there == known) return {};
  return Error{
      Errc::conflict,
      fmt::format("the database has schema version {}, and the next start brings it to {}: back it up "
                  "before that",
                  there, known)};
}

Result<void> migrate(Connection& connection, const Dialect& dialect, std::span<const Migration> migrations) {
  while (true) {
    if (Result<void> begun = connection.run_script(std::string(dialect.begin_migration)); !begun) {
      // A script that failed halfway may have begun; outside a transaction this is an error that says nothing
      // new.
      static_cast<void>(connection.run_script("ROLLBACK"));
      if (begun.error().code != Errc::unavailable) return begun.error();
      return Error{
          Errc::unavailable,
          "cannot look at the database's schema; is another process changing it? " + begun.error().message};
    }
    const Result<bool> finished = advance(connection, dialect, migrations);
    if (!finished) {
      static_cast<void>(connection.run_script("ROLLBACK"));
      return finished.error();
    }
    if (Result<void> committed = connection.run_script("COMMIT"); !committed) {
      static_cast<void>(connection.run_script("ROLLBACK"));
      return committed.error();
    }
    if (*finished) return {};
  }
}

}  // namespace bulkhead::db

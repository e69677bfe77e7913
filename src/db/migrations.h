// The schema's numbered steps and how a database gets those it lacks. See docs/formats/database.md.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "db/connection.h"
#include "db/database.h"

namespace bulkhead::db {

struct Migration {
  int version;  // 1, 2, 3 … without gaps
  std::string_view name;
  std::string_view sql;  // any number of statements, with the placeholders of Dialect
};

// Those of src/db/migrations, in order.
std::span<const Migration> embedded_migrations();

// Where the engines' SQL differs.
struct Dialect {
  std::string_view id;        // {{id}}: an integer primary key that the engine assigns and never reuses
  std::string_view bytewise;  // {{bytewise}}: makes a text column compare byte by byte
  std::string_view
      keyed;  // {{keyed}}: after a table whose rows are kept in their primary key, and only there
  // A script that begins a transaction which no other process's migration can overlap.
  std::string_view begin_migration;
  // One row if the table `schema_migrations` exists, and is Bulkhead's: other programs call theirs so, too.
  std::string_view find_version_table;
  // The names of at most three tables and views, whosever they are.
  std::string_view find_tables;
};

// Replaces the placeholders; one that is not known is Errc::internal.
Result<std::string> render(std::string_view sql, const Dialect& dialect);

// Whether migrate() may go on, found out without changing anything. Errc::conflict where the database holds
// another program's tables; Errc::not_found where it holds nothing and nothing is to be made; whatever
// Options::upgrade says where migrate() would change it.
Result<void> look(Connection& connection, const Dialect& dialect, const Options& options,
                  std::span<const Migration> migrations);

// Applies the missing migrations, each in one transaction together with its line in `schema_migrations`: a
// failure or a crash leaves the schema of the last one that committed. Any number of processes may do this at
// once. A database of a newer schema than the last of `migrations` is Errc::unsupported and is not changed.
Result<void> migrate(Connection& connection, const Dialect& dialect, std::span<const Migration> migrations);

// The same without changing anything: Errc::conflict for a schema that lacks some of them.
Result<void> check_current(Connection& connection, std::span<const Migration> migrations);

}  // namespace bulkhead::db

// One connection to an SQLite file, set up the way Bulkhead uses it. Internal to db.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "db/connection.h"
#include "db/statement_cache.h"

struct sqlite3;
struct sqlite3_stmt;

namespace bulkhead::db {

enum class SqliteRole {
  writer,  // creates the file (mode 0600) when it is absent, and puts it into WAL mode
  reader,  // refuses statements that write
};

// One thread at a time, not always the same.
class SqliteConnection final : public Connection {
 public:
  // `limit` bounds the wait for another process's lock and the run of one statement.
  static Result<std::unique_ptr<SqliteConnection>> open(const std::filesystem::path& path, SqliteRole role,
                                                        std::chrono::milliseconds limit);
  ~SqliteConnection() override = default;

  Result<Outcome> run(std::string_view sql, std::span<const Value> parameters) override;
  // Without the time limit: migrations take what they need.
  Result<void> run_script(const std::string& sql) override;

  // Some errors, a full disk among them, make SQLite roll back the whole transaction on its own.
  bool in_transaction() const;
  // Whether the transaction holds a foreign key without its row, which COMMIT would refuse.
  bool has_dangling_references() const;

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  SqliteConnection(std::filesystem::path path, std::chrono::milliseconds limit);
  Result<void> set_up(SqliteRole role);
  Result<void> enter_wal();
  Result<sqlite3_stmt*> prepare(std::string_view sql);
  Result<void> bind(sqlite3_stmt* statement, std::string_view sql, std::span<const Value> parameters);
  Result<Outcome> step(sqlite3_stmt* statement, std::string_view sql);
  static int past_deadline(void* self);

  const std::filesystem::path path_;
  const std::chrono::milliseconds limit_;
  std::chrono::steady_clock::time_point deadline_;
  std::unique_ptr<sqlite3, Close> connection_;
  StatementCache<Statement> statements_;  // after connection_: statements go first
};

}  // namespace bulkhead::db

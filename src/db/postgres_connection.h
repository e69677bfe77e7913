// One connection to a PostgreSQL server. Internal to db.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "db/connection.h"
#include "db/patience.h"
#include "db/postgres_target.h"
#include "db/statement_cache.h"

struct pg_conn;
struct pg_result;

namespace bulkhead::db {

// One thread at a time, not always the same. Borrows target and patience. A server that accepts and does not
// answer is waited for no longer than `patience` says; the connection is then at its end.
class PostgresConnection final : public Connection {
 public:
  static Result<std::unique_ptr<PostgresConnection>> open(const PostgresTarget& target, Patience& patience);

  Result<Outcome> run(std::string_view sql, std::span<const Value> parameters) override;
  Result<void> run_script(const std::string& sql) override;
  Result<void> run_unbounded(const std::string& sql) override;

  // False once the server has gone away: the transaction is lost with it.
  bool alive() const;
  // The same, having looked for what came while nothing was asked.
  bool connected();
  bool in_transaction() const;
  // Whether the last error was that of a transaction that may succeed when it is run again: a serialization
  // failure or a deadlock.
  bool asks_for_retry() const;
  // The command that the last statement of the last script turned out to be: COMMIT of a transaction in which
  // a statement failed is "ROLLBACK".
  const std::string& command_tag() const { return command_tag_; }

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  struct Clear {
    void operator()(pg_result* result) const;
  };
  using Response = std::unique_ptr<pg_result, Clear>;
  struct Statement {
    std::string name;
    std::size_t parameters;
  };

  PostgresConnection(const PostgresTarget& target, Patience& patience);
  Result<void> connect();
  Result<void> set_up();
  Result<void> run_script(const std::string& sql, Patience::Moment deadline);
  bool wait_for(short events, Patience::Moment deadline) const;
  bool flush(Patience::Moment deadline);
  Response answer(int sent, Patience::Moment deadline);
  Result<Statement> prepare(std::string_view sql, std::span<const Value> parameters);
  bool succeeded(const pg_result* response);
  Error error_of(const pg_result* response, std::string_view sql) const;

  const PostgresTarget& target_;
  Patience& patience_;
  std::unique_ptr<pg_conn, Finish> connection_;
  StatementCache<Statement> statements_;
  std::uint64_t prepared_ = 0;
  std::string sqlstate_;  // of the last error; empty when it was the connection's
  std::string command_tag_;
  bool silent_ = false;
};

}  // namespace bulkhead::db

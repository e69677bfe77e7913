// The Session that a Work gets, the same on both engines; internal to db.
#pragma once

#include <exception>
#include <optional>

#include "db/connection.h"

namespace bulkhead::db {

// How a Work ended: with a result, or with an exception that belongs to the caller.
struct WorkOutcome {
  Result<void> result;
  std::exception_ptr thrown;

  bool succeeded() const { return !thrown && result.has_value(); }
  // The result; throws what the work threw.
  Result<void> deliver() const;
};

// Borrows the connection, on which the engine has begun a transaction.
//
// The first statement that fails ends the transaction's usefulness, as PostgreSQL has it: later statements
// answer with the same error without being run, and a work that returns success all the same has failed with
// it.
class Transaction final : public Session {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {}

  using Session::execute;
  using Session::query;
  Result<std::vector<Row>> query(std::string_view sql, std::span<const Value> parameters) override;
  Result<std::int64_t> execute(std::string_view sql, std::span<const Value> parameters) override;

  // Calls the work with this session. Neither commits nor rolls back.
  WorkOutcome perform(const Database::Work& work);

  // The first statement error, if one failed.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  Result<Outcome> run(std::string_view sql, std::span<const Value> parameters);

  Connection& connection_;
  std::optional<Error> failure_;
};

}  // namespace bulkhead::db

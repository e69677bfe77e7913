#include "db/transaction.h"

#include "db/parameters.h"

namespace bulkhead::db {

Result<void> WorkOutcome::deliver() const {
  if (thrown) std::rethrow_exception(thrown);
  return result;
}

Result<std::vector<Row>> Transaction::query(std::string_view sql, std::span<const Value> parameters) {
  Result<Outcome> outcome = run(sql, parameters);
  if (!outcome) return outcome.error();
  return std::move(outcome->rows);
}

Result<std::int64_t> Transaction::execute(std::string_view sql, std::span<const Value> parameters) {
  Result<Outcome> outcome = run(sql, parameters);
  if (!outcome) return outcome.error();
  return outcome->changed;
}

WorkOutcome Transaction::perform(const Database::Work& work) {
  WorkOutcome outcome;
  try {
    outcome.result = work(*this);
  } catch (...) {
    outcome.thrown = std::current_exception();
  }
  if (outcome.succeeded() && failure_) outcome.result = *failure_;
  return outcome;
}

Result<Outcome> Transaction::run(std::string_view sql, std::span<const Value> parameters) {
  if (failure_) return *failure_;
  if (Result<void> acceptable = check_parameters(parameters); !acceptable) {
    failure_ = acceptable.error();
    return *failure_;
  }
  Result<Outcome> outcome = connection_.run(sql, parameters);
  if (!outcome) failure_ = outcome.error();
  return outcome;
}

}  // namespace bulkhead::db

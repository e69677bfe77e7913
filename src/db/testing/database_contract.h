// What every engine must do alike. The suites are the *_contract_test.cc files of src/db/tests; each runs on
// both.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/migrations.h"
#include "db/testing/empty_database.h"

namespace bulkhead {

// For the test framework's messages.
template <class T>
void PrintTo(const Result<T>& result, std::ostream* out) {
  if (result) {
    *out << "success";
  } else {
    *out << name(result.error().code) << ": " << result.error().message;
  }
}

}  // namespace bulkhead

namespace bulkhead::db::testing {

// A fresh database with the table `things (id {{id}}, name TEXT bytewise UNIQUE, size BIGINT CHECK (size >=
// 0), parent BIGINT REFERENCES things)` and the table `counters (name TEXT, value BIGINT)` that holds the
// line ('n', 0).
class DatabaseContract : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override;

  Result<std::unique_ptr<Database>> open_another(std::span<const Migration> migrations);
  // One statement in a transaction of its own.
  Result<void> write(std::string_view sql, std::vector<Value> parameters = {});
  // One statement in a snapshot of its own; fails the test on an error.
  std::vector<Row> read(std::string_view sql, std::vector<Value> parameters = {});
  std::int64_t read_integer(std::string_view sql, std::vector<Value> parameters = {});

  static std::span<const Migration> migrations();

  std::unique_ptr<EmptyDatabase> storage_;
  std::unique_ptr<Database> database_;  // after storage_: it goes first
};

// "sqlite" and "postgres" after the slash in a test's name.
std::string engine_name(const ::testing::TestParamInfo<Engine>& info);

// Matches a Result that failed with the code.
MATCHER_P(FailsWith, code, "is an error with the code " + std::string(bulkhead::name(code))) {
  static_cast<void>(result_listener);
  return arg.has_error() && arg.error().code == code;
}

MATCHER(Succeeds, "succeeds") {
  static_cast<void>(result_listener);
  return arg.has_value();
}

}  // namespace bulkhead::db::testing

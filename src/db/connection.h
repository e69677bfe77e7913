// What both engines' connections can do; internal to db.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"

namespace bulkhead::db {

// What one statement did.
struct Outcome {
  std::vector<Row> rows;
  std::int64_t changed = 0;
};

// One thread at a time.
class Connection {
 public:
  virtual ~Connection() = default;

  // Exactly one statement with `?` parameters, prepared once per connection and kept; bounded by the
  // statement time limit.
  virtual Result<Outcome> run(std::string_view sql, std::span<const Value> parameters) = 0;

  // Any number of statements without parameters; nothing is kept. Stops at the first that fails.
  virtual Result<void> run_script(const std::string& sql) = 0;

  // The same for what may take as long as it needs.
  virtual Result<void> run_unbounded(const std::string& sql) { return run_script(sql); }
};

}  // namespace bulkhead::db

// A database of its own for one test, on either engine.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "base/testing/temporary_directory.h"
#include "db/database.h"

namespace bulkhead::db::testing {

enum class Engine { sqlite, postgres };

// For the names of parameterised tests: "sqlite", "postgres".
std::string name(Engine engine);
std::ostream& operator<<(std::ostream& out, Engine engine);

// Empty and without a schema until it is opened; removed when this goes, so Databases on it must go first.
class EmptyDatabase {
 public:
  explicit EmptyDatabase(Engine engine);
  ~EmptyDatabase();
  EmptyDatabase(const EmptyDatabase&) = delete;
  EmptyDatabase& operator=(const EmptyDatabase&) = delete;

  Engine engine() const { return engine_; }
  // For db::open().
  const std::string& url() const { return url_; }
  // SQLite's file, in a directory that holds nothing else; empty for PostgreSQL.
  const std::filesystem::path& path() const { return path_; }

 private:
  Engine engine_;
  std::string url_;
  std::optional<TemporaryDirectory> directory_;
  std::filesystem::path path_;
  std::string database_;
};

// With the schema of this program. Throws when it cannot be opened, which fails the test.
std::unique_ptr<Database> open_or_throw(const EmptyDatabase& database, const Options& options = {});

}  // namespace bulkhead::db::testing

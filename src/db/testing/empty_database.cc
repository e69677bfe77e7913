#include "db/testing/empty_database.h"

#include <fmt/format.h>

#include <atomic>
#include <stdexcept>

#include "db/testing/postgres_server.h"

namespace bulkhead::db::testing {
namespace {

std::string next_database_name() {
  static std::atomic<int> last = 0;
  return fmt::format("test_{}", ++last);
}

}  // namespace

std::string name(Engine engine) { return engine == Engine::sqlite ? "sqlite" : "postgres"; }
std::ostream& operator<<(std::ostream& out, Engine engine) { return out << name(engine); }

EmptyDatabase::EmptyDatabase(Engine engine) : engine_(engine) {
  if (engine == Engine::sqlite) {
    path_ = directory_.emplace(TemporaryDirectory::Place::memory).path() / "bulkhead.db";
    url_ = "sqlite:" + path_.string();
  } else {
    database_ = next_database_name();
    url_ = PostgresServer::shared().create_database(database_);
  }
}

EmptyDatabase::~EmptyDatabase() {
  if (engine_ == Engine::postgres) PostgresServer::shared().drop_database(database_);
}

std::unique_ptr<Database> open_or_throw(const EmptyDatabase& database, const Options& options) {
  Result<std::unique_ptr<Database>> opened = open(database.url(), options);
  if (!opened) throw std::runtime_error(opened.error().message);
  return std::move(*opened);
}

}  // namespace bulkhead::db::testing

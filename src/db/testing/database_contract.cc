#include "db/testing/database_contract.h"

#include <stdexcept>

#include "db/engine.h"

namespace bulkhead::db::testing {
namespace {

constexpr Migration kMigrations[] = {
    {1, "things", R"sql(
      CREATE TABLE things (
        id {{id}},
        name TEXT {{bytewise}} NOT NULL UNIQUE,
        size BIGINT CHECK (size >= 0),
        parent BIGINT REFERENCES things (id),
        note TEXT
      );
      CREATE TABLE counters (name TEXT {{bytewise}} PRIMARY KEY, value BIGINT NOT NULL);
      INSERT INTO counters (name, value) VALUES ('n', 0);
    )sql"},
};

}  // namespace

std::span<const Migration> DatabaseContract::migrations() {
  return kMigrations;
}

void DatabaseContract::SetUp() {
  storage_ = std::make_unique<EmptyDatabase>(GetParam());
  Result<std::unique_ptr<Database>> opened = open_another(kMigrations);
  if (!opened) throw std::runtime_error(opened.error().message);
  database_ = std::move(*opened);
}

Result<std::unique_ptr<Database>> DatabaseContract::open_another(std::span<const Migration> migrations) {
  return open(storage_->url(), Options{}, migrations);
}

Result<void> DatabaseContract::write(std::string_view sql, std::vector<Value> parameters) {
  return database_->write([&](Session& session) -> Result<void> {
    Result<std::int64_t> changed = session.execute(sql, parameters);
    if (!changed) return changed.error();
    return {};
  });
}

std::vector<Row> DatabaseContract::read(std::string_view sql, std::vector<Value> parameters) {
  std::vector<Row> rows;
  Result<void> result = database_->read([&](Session& session) -> Result<void> {
    Result<std::vector<Row>> found = session.query(sql, parameters);
    if (!found) return found.error();
    rows = std::move(*found);
    return {};
  });
  EXPECT_THAT(result, Succeeds()) << sql;
  return rows;
}

std::int64_t DatabaseContract::read_integer(std::string_view sql, std::vector<Value> parameters) {
  const std::vector<Row> rows = read(sql, std::move(parameters));
  return rows.size() == 1 ? rows.front().integer(0) : throw std::runtime_error("not one row");
}

std::string engine_name(const ::testing::TestParamInfo<Engine>& info) {
  return name(info.param);
}

}  // namespace bulkhead::db::testing

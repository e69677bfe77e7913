// How a database gets its schema, alike on both engines.
#include <atomic>
#include <thread>

#include "db/engine.h"
#include "db/testing/database_contract.h"

namespace bulkhead::db::testing {
namespace {

using ::testing::HasSubstr;

class Schema : public DatabaseContract {
 protected:
  // The first `count` versions after those of the fixture: each adds a line to `counters`.
  static std::vector<Migration> with_more(int count) {
    std::vector<Migration> all(migrations().begin(), migrations().end());
    for (int i = 0; i < count; ++i) {
      all.push_back({static_cast<int>(all.size()) + 1, "more",
                     "INSERT INTO counters (name, value) SELECT 'more' || count(*), 1 FROM counters"});
    }
    return all;
  }
  std::int64_t version() { return read_integer("SELECT max(version) FROM schema_migrations"); }
};

INSTANTIATE_TEST_SUITE_P(Database, Schema, ::testing::Values(Engine::sqlite, Engine::postgres), engine_name);

TEST_P(Schema, TheProgramsOwnMigrationsApplyAndApplyOnce) {
  const EmptyDatabase empty(GetParam());
  for (int i = 0; i < 2; ++i) {
    Result<std::unique_ptr<Database>> opened = db::open(empty.url());
    ASSERT_THAT(opened, Succeeds());
    std::int64_t version = 0;
    ASSERT_THAT((*opened)->read([&](Session& session) -> Result<void> {
      Result<std::vector<Row>> rows = session.query(
          "SELECT max(version) FROM schema_migrations WHERE (SELECT count(*) FROM namespaces) = 2");
      if (!rows) return rows.error();
      version = rows->at(0).integer(0);
      return {};
    }),
                Succeeds());
    EXPECT_EQ(version, static_cast<std::int64_t>(embedded_migrations().size()));
  }
}

TEST_P(Schema, MissingMigrationsAreAppliedInOrder) {
  database_.reset();
  Result<std::unique_ptr<Database>> opened = open_another(with_more(3));
  ASSERT_THAT(opened, Succeeds());
  database_ = std::move(*opened);
  EXPECT_EQ(version(), 4);
  EXPECT_EQ(read_integer("SELECT count(*) FROM counters WHERE name IN ('more1', 'more2', 'more3')"), 3);
  EXPECT_EQ(read_integer("SELECT count(*) FROM schema_migrations WHERE name = 'more' AND applied_at > 0"), 3);
}

TEST_P(Schema, ANewerSchemaIsRefusedWithASentence) {
  ASSERT_THAT(open_another(with_more(2)), Succeeds());
  const Result<std::unique_ptr<Database>> refused = open_another(migrations());
  ASSERT_THAT(refused, FailsWith(Errc::unsupported));
  EXPECT_THAT(refused.error().message, HasSubstr("schema version 3 and this program knows versions up to 1"));
}

TEST_P(Schema, AMigrationThatFailsHalfwayLeavesTheOldSchema) {
  std::vector<Migration> broken = with_more(1);
  broken.push_back(
      {3, "broken", "CREATE TABLE half (a BIGINT); INSERT INTO half (a) VALUES (1); INSERT INTO nowhere;"});
  const Result<std::unique_ptr<Database>> failed = open_another(broken);
  ASSERT_THAT(failed, FailsWith(Errc::internal));
  EXPECT_THAT(failed.error().message, HasSubstr("migration 3 (broken)"));
  EXPECT_EQ(version(), 2);
  EXPECT_THAT(write("SELECT a FROM half"), FailsWith(Errc::internal));
  EXPECT_THAT(open_another(with_more(3)), Succeeds());
}

TEST_P(Schema, AnEmptyDatabaseIsLeftEmptyWhereNothingIsToBeMade) {
  const EmptyDatabase empty(GetParam());
  Options options;
  options.make = false;
  for (int i = 0; i < 2; ++i) EXPECT_THAT(db::open(empty.url(), options), FailsWith(Errc::not_found));
  ASSERT_THAT(db::open(empty.url()), Succeeds());
  EXPECT_THAT(db::open(empty.url(), options), Succeeds());
}

TEST_P(Schema, AnotherProgramsDatabaseIsRefusedAndNotChanged) {
  const EmptyDatabase foreign(GetParam());
  const Migration others[] = {{1, "others", "CREATE TABLE customers (id BIGINT)"}};
  ASSERT_THAT(db::open(foreign.url(), Options{}, others), Succeeds());
  {
    const auto opened = db::open(foreign.url(), Options{}, others);
    ASSERT_THAT(opened, Succeeds());
    ASSERT_THAT((*opened)->write([](Session& session) -> Result<void> {
      // As another program has it.
      for (const char* sql :
           {"DROP TABLE schema_migrations", "CREATE TABLE schema_migrations (version TEXT)"})
        if (auto done = session.execute(sql); !done) return done.error();
      return {};
    }),
                Succeeds());
  }
  for (int i = 0; i < 2; ++i) {
    const auto refused = db::open(foreign.url());
    ASSERT_THAT(refused, FailsWith(Errc::conflict));
    EXPECT_THAT(refused.error().message, HasSubstr("customers, schema_migrations"));
  }
}

TEST_P(Schema, ManyOpeningAtOnceMigrateOnce) {
  const EmptyDatabase empty(GetParam());
  const std::vector<Migration> all = with_more(5);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { EXPECT_THAT(db::open(empty.url(), Options{}, all), Succeeds()); });
  }
  for (std::thread& thread : threads) thread.join();
  Result<std::unique_ptr<Database>> opened = db::open(empty.url(), Options{}, all);
  ASSERT_THAT(opened, Succeeds());
  database_ = std::move(*opened);
  EXPECT_EQ(read_integer("SELECT count(*) FROM schema_migrations"), 6);
  EXPECT_EQ(read_integer("SELECT count(*) FROM counters"), 6);
}

TEST(Migrations, PlaceholdersAreTheEnginesOwnWords) {
  const Dialect dialect{.id = "ID",
                        .bytewise = "BYTES",
                        .keyed = "KEYED",
                        .begin_migration = "",
                        .find_version_table = "",
                        .find_tables = ""};
  EXPECT_EQ(render("a {{id}}, b TEXT {{bytewise}}, c {{id}}", dialect).value(), "a ID, b TEXT BYTES, c ID");
  EXPECT_EQ(render("(a) {{keyed}}", dialect).value(), "(a) KEYED");
  EXPECT_THAT(render("a {{key}}", dialect), FailsWith(Errc::internal));
  EXPECT_THAT(render("a {{id", dialect), FailsWith(Errc::internal));
}

TEST(Migrations, EmbeddedOnesAreNumberedFromOneWithoutGaps) {
  int expected = 0;
  for (const Migration& migration : embedded_migrations()) EXPECT_EQ(migration.version, ++expected);
  EXPECT_EQ(embedded_migrations()[0].name, "registry");
}

}  // namespace
}  // namespace bulkhead::db::testing

// What statements take and give, alike on both engines.
#include <limits>

#include "db/testing/database_contract.h"

namespace bulkhead::db::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Statements : public DatabaseContract {
 protected:
  std::vector<std::string> names(std::string_view sql, std::vector<Value> parameters = {}) {
    std::vector<std::string> names;
    for (const Row& row : read(sql, std::move(parameters))) names.push_back(row.text(0));
    return names;
  }
  void add(const std::string& name) {
    ASSERT_THAT(write("INSERT INTO things (name) VALUES (?)", {name}), Succeeds());
  }
};

INSTANTIATE_TEST_SUITE_P(Database, Statements, ::testing::Values(Engine::sqlite, Engine::postgres),
                         engine_name);

TEST_P(Statements, NamesItsEngine) {
  EXPECT_EQ(database_->engine(), name(GetParam()));
}

TEST_P(Statements, KeepsNullIntegerAndTextApart) {
  ASSERT_THAT(write("INSERT INTO things (name, size, parent) VALUES (?, ?, ?)", {"5", 5, Value{}}),
              Succeeds());
  const std::vector<Row> rows = read("SELECT name, size, parent FROM things");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].text(0), "5");
  EXPECT_EQ(rows[0].integer(1), 5);
  EXPECT_TRUE(rows[0].is_null(2));
  EXPECT_FALSE(rows[0].is_null(1));
}

TEST_P(Statements, TheSameStatementTakesNullAfterAnInteger) {
  const char* const insert = "INSERT INTO things (name, size) VALUES (?, ?)";
  ASSERT_THAT(write(insert, {"a", 1}), Succeeds());
  ASSERT_THAT(write(insert, {"b", Value{}}), Succeeds());
  ASSERT_THAT(write(insert, {"c", 3}), Succeeds());
  EXPECT_THAT(names("SELECT name FROM things WHERE size IS NULL"), ElementsAre("b"));
}

TEST_P(Statements, CarriesTheExtremesOf64Bits) {
  constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
  ASSERT_THAT(
      write("INSERT INTO counters (name, value) VALUES (?, ?), (?, ?)", {"low", kLowest, "high", kHighest}),
      Succeeds());
  EXPECT_EQ(read_integer("SELECT value FROM counters WHERE name = 'low'"), kLowest);
  EXPECT_EQ(read_integer("SELECT value FROM counters WHERE value = ?", {kHighest}), kHighest);
}

TEST_P(Statements, CarriesLargeAndEmptyText) {
  std::string large(4 << 20, 'x');
  for (std::size_t i = 0; i < large.size(); i += 7) large[i] = static_cast<char>('a' + i % 26);
  ASSERT_THAT(write("INSERT INTO things (name, note) VALUES ('a', ?), ('b', ?)", {large, ""}), Succeeds());
  EXPECT_THAT(names("SELECT note FROM things ORDER BY id"), ElementsAre(large, ""));
}

TEST_P(Statements, OrdersAndComparesTextByItsBytes) {
  for (const char* tag : {"a", "\xc3\xa9", "B", "b", "a-1", "a.1", "a1"}) add(tag);
  EXPECT_THAT(names("SELECT name FROM things ORDER BY name"),
              ElementsAre("B", "a", "a-1", "a.1", "a1", "b", "\xc3\xa9"));
  EXPECT_THAT(names("SELECT name FROM things WHERE name > ? ORDER BY name", {"a1"}),
              ElementsAre("b", "\xc3\xa9"));
}

TEST_P(Statements, LikeIsCaseSensitive) {
  add("Debian");
  add("debian");
  EXPECT_THAT(names("SELECT name FROM things WHERE name LIKE ?", {"deb%"}), ElementsAre("debian"));
}

TEST_P(Statements, TruthIsOneAndZero) {
  EXPECT_EQ(read_integer("SELECT 1 = 1"), 1);
  EXPECT_EQ(read_integer("SELECT EXISTS (SELECT 1 FROM things)"), 0);
}

TEST_P(Statements, CountsAndSumsAreIntegers) {
  ASSERT_THAT(write("INSERT INTO things (name, size) VALUES ('a', 3000000000), ('b', 4000000000)"),
              Succeeds());
  EXPECT_EQ(read_integer("SELECT count(*) FROM things"), 2);
  EXPECT_EQ(read_integer("SELECT sum(size) FROM things"), 7'000'000'000);
}

TEST_P(Statements, ParametersKeepTheirTypeWithoutAColumn) {
  const std::vector<Row> rows = read("SELECT ?, ?", {7, "seven"});
  EXPECT_EQ(rows.at(0).integer(0), 7);
  EXPECT_EQ(rows.at(0).text(1), "seven");
}

TEST_P(Statements, QuestionMarksInTextAndCommentsAreNotParameters) {
  EXPECT_THAT(names("SELECT '?' || ? /* ? */ || 'it''s?' -- ?", {"!"}), ElementsAre("?!it's?"));
}

TEST_P(Statements, ResultsThatAreNeitherIntegerNorTextAreErrors) {
  const Result<void> result = database_->read([](Session& session) -> Result<void> {
    Result<std::vector<Row>> rows = session.query("SELECT 1.5");
    if (!rows) return rows.error();
    return {};
  });
  EXPECT_THAT(result, FailsWith(Errc::internal));
}

TEST_P(Statements, ReturningGivesTheNewRow) {
  std::int64_t id = 0;
  ASSERT_THAT(database_->write([&](Session& session) -> Result<void> {
    Result<std::vector<Row>> rows =
        session.query("INSERT INTO things (name) VALUES (?) RETURNING id, name", {"new"});
    if (!rows) return rows.error();
    id = rows->at(0).integer(0);
    return {};
  }),
              Succeeds());
  EXPECT_EQ(read_integer("SELECT id FROM things WHERE name = 'new'"), id);
}

TEST_P(Statements, ExecuteCountsTheChangedRows) {
  std::vector<std::int64_t> counts;
  ASSERT_THAT(database_->write([&](Session& session) -> Result<void> {
    counts.clear();
    for (const char* sql :
         {"INSERT INTO things (name, size) VALUES ('a', 1), ('b', 2), ('c', 3)",
          "UPDATE things SET size = size + 1 WHERE size > 1", "DELETE FROM things WHERE name = 'nobody'",
          "SELECT id FROM things", "CREATE TABLE extra (a BIGINT)",
          "INSERT INTO things (name) VALUES ('d') ON CONFLICT (name) DO NOTHING",
          "INSERT INTO things (name) VALUES ('d') ON CONFLICT (name) DO NOTHING"}) {
      Result<std::int64_t> changed = session.execute(sql);
      if (!changed) return changed.error();
      counts.push_back(*changed);
    }
    return {};
  }),
              Succeeds());
  EXPECT_THAT(counts, ElementsAre(3, 2, 0, 0, 0, 1, 0));
}

TEST_P(Statements, OnConflictUpdates) {
  const char* const upsert =
      "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = "
      "excluded.value";
  ASSERT_THAT(write(upsert, {"x", 1}), Succeeds());
  ASSERT_THAT(write(upsert, {"x", 2}), Succeeds());
  EXPECT_EQ(read_integer("SELECT value FROM counters WHERE name = 'x'"), 2);
}

TEST_P(Statements, ConstraintsThatRefuseAreConflicts) {
  add("taken");
  EXPECT_THAT(write("INSERT INTO things (name) VALUES ('taken')"), FailsWith(Errc::conflict));
  EXPECT_THAT(write("INSERT INTO things (name, size) VALUES ('a', -1)"), FailsWith(Errc::conflict));
  EXPECT_THAT(write("INSERT INTO things (name, parent) VALUES ('b', 4711)"), FailsWith(Errc::conflict));
  EXPECT_THAT(write("INSERT INTO counters (name, value) VALUES ('n', 1)"), FailsWith(Errc::conflict));
  EXPECT_THAT(write("INSERT INTO things (name, parent) SELECT 'child', id FROM things"), Succeeds());
  EXPECT_THAT(write("DELETE FROM things WHERE name = 'taken'"), FailsWith(Errc::conflict));
}

TEST_P(Statements, AConflictDoesNotQuoteStoredValues) {
  add("s3cret-value");
  const Result<void> result = write("INSERT INTO things (name) VALUES (?)", {"s3cret-value"});
  ASSERT_THAT(result, FailsWith(Errc::conflict));
  EXPECT_THAT(result.error().message, Not(HasSubstr("s3cret-value")));
}

TEST_P(Statements, ANullWhereNoneMayBeIsABug) {
  EXPECT_THAT(write("INSERT INTO things (name) VALUES (?)", {Value{}}), FailsWith(Errc::internal));
}

TEST_P(Statements, AStatementThatMakesNoSenseIsABugAndIsQuoted) {
  const Result<void> result = write("INSERT INTO nowhere (a) VALUES (1)");
  ASSERT_THAT(result, FailsWith(Errc::internal));
  EXPECT_THAT(result.error().message, HasSubstr("INSERT INTO nowhere"));
}

TEST_P(Statements, RefusesTwoStatementsInOne) {
  EXPECT_THAT(write("DELETE FROM things; DELETE FROM counters"), FailsWith(Errc::internal));
  EXPECT_EQ(read_integer("SELECT count(*) FROM counters"), 1);
}

TEST_P(Statements, RefusesTheWrongNumberOfParameters) {
  EXPECT_THAT(write("INSERT INTO things (name) VALUES (?)"), FailsWith(Errc::internal));
  EXPECT_THAT(write("INSERT INTO things (name) VALUES (?)", {"a", "b"}), FailsWith(Errc::internal));
}

TEST_P(Statements, RefusesTextWithNul) {
  const Result<void> result = write("INSERT INTO things (name) VALUES (?)", {std::string("a\0b", 3)});
  EXPECT_THAT(result, FailsWith(Errc::invalid_argument));
  EXPECT_EQ(read_integer("SELECT count(*) FROM things"), 0);
}

TEST_P(Statements, RefusesTextThatIsNotUtf8) {
  EXPECT_THAT(write("INSERT INTO things (name) VALUES (?)", {"\xe9t\xe9"}),
              FailsWith(Errc::invalid_argument));
}

TEST_P(Statements, IdsAreNotReusedAfterTheHighestIsDeleted) {
  add("first");
  add("second");
  const std::int64_t highest = read_integer("SELECT max(id) FROM things");
  ASSERT_THAT(write("DELETE FROM things WHERE id = ?", {highest}), Succeeds());
  add("third");
  EXPECT_GT(read_integer("SELECT id FROM things WHERE name = 'third'"), highest);
}

TEST_P(Statements, MoreStatementsThanAConnectionKeeps) {
  for (int round = 0; round < 2; ++round) {
    ASSERT_THAT(database_->read([](Session& session) -> Result<void> {
      for (int i = 0; i < 300; ++i) {
        Result<std::vector<Row>> rows = session.query("SELECT ? + " + std::to_string(i), {1});
        if (!rows) return rows.error();
        if (rows->at(0).integer(0) != i + 1) return Error{Errc::internal, "another statement's result"};
      }
      return {};
    }),
                Succeeds());
  }
}

}  // namespace
}  // namespace bulkhead::db::testing

// What a change rested on is asked for again where it is made.
#include "db/condition.h"

#include <thread>

#include "db/testing/database_contract.h"

namespace bulkhead::db::testing {
namespace {

class Conditions : public DatabaseContract {
 protected:
  Result<void> add(const std::string& name) { return write("INSERT INTO things (name) VALUES (?)", {name}); }
  std::int64_t things() { return read_integer("SELECT count(*) FROM things"); }
  // Holds as long as the counter stands at 0, as the transaction sees it.
  static Result<void> untouched(Session& session) {
    const auto rows = session.query("SELECT value FROM counters");
    if (!rows) return rows.error();
    if (rows->at(0).integer(0) == 0) return {};
    return Error{Errc::denied, "it has moved"};
  }
  void move() { ASSERT_THAT(write("UPDATE counters SET value = value + 1"), Succeeds()); }
};

INSTANTIATE_TEST_SUITE_P(Database, Conditions, ::testing::Values(Engine::sqlite, Engine::postgres),
                         engine_name);

TEST_P(Conditions, AreAskedForInTheTransactionThatWrites) {
  const Condition condition(untouched);
  ASSERT_THAT(add("a"), Succeeds());
  move();
  EXPECT_THAT(add("b"), FailsWith(Errc::denied));
  EXPECT_EQ(things(), 1);
}

TEST_P(Conditions, EndWithTheirScope) {
  move();
  {
    const Condition condition(untouched);
    EXPECT_THAT(add("a"), FailsWith(Errc::denied));
  }
  EXPECT_THAT(add("a"), Succeeds());
}

TEST_P(Conditions, AddToThoseAround) {
  const Condition outer(untouched);
  const Condition inner([](Session&) -> Result<void> { return {}; });
  ASSERT_THAT(add("a"), Succeeds());
  move();
  EXPECT_THAT(add("b"), FailsWith(Errc::denied));
}

TEST_P(Conditions, AreLiftedForWhatTheServerDoesByItself) {
  move();
  const Condition condition(untouched);
  {
    const Unconditionally itself;
    EXPECT_THAT(add("a"), Succeeds());
  }
  EXPECT_THAT(add("b"), FailsWith(Errc::denied));
}

TEST_P(Conditions, AreAThreadsOwn) {
  move();
  const Condition condition(untouched);
  Result<void> elsewhere = Error{Errc::internal, "not run"};
  std::thread([&] { elsewhere = add("a"); }).join();
  EXPECT_THAT(elsewhere, Succeeds());
  EXPECT_THAT(add("b"), FailsWith(Errc::denied));
  EXPECT_EQ(things(), 1) << "reading is free";
}

}  // namespace
}  // namespace bulkhead::db::testing

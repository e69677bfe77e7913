// What a transaction promises, alike on both engines.
#include <future>
#include <thread>

#include "db/testing/database_contract.h"

namespace bulkhead::db::testing {
namespace {

using std::chrono::seconds;

class Transactions : public DatabaseContract {
 protected:
  std::int64_t things() { return read_integer("SELECT count(*) FROM things"); }
};

INSTANTIATE_TEST_SUITE_P(Database, Transactions, ::testing::Values(Engine::sqlite, Engine::postgres),
                         engine_name);

Result<void> add(Session& session, const std::string& name) {
  Result<std::int64_t> changed = session.execute("INSERT INTO things (name) VALUES (?)", {name});
  if (!changed) return changed.error();
  return {};
}

TEST_P(Transactions, CommitsEverythingOfAWork) {
  ASSERT_THAT(database_->write([](Session& session) -> Result<void> {
    if (Result<void> added = add(session, "a"); !added) return added;
    return add(session, "b");
  }),
              Succeeds());
  EXPECT_EQ(things(), 2);
}

TEST_P(Transactions, AReturnedErrorRollsBackAndComesOut) {
  const Result<void> result = database_->write([](Session& session) -> Result<void> {
    if (Result<void> added = add(session, "a"); !added) return added;
    return Error{Errc::quota_exceeded, "full"};
  });
  EXPECT_THAT(result, FailsWith(Errc::quota_exceeded));
  EXPECT_EQ(things(), 0);
}

TEST_P(Transactions, AnExceptionRollsBackAndComesOut) {
  const auto throwing = [](Session& session) -> Result<void> {
    static_cast<void>(add(session, "a"));
    throw std::runtime_error("a bug");
  };
  EXPECT_THROW(static_cast<void>(database_->write(throwing)), std::runtime_error);
  EXPECT_THROW(
      static_cast<void>(database_->read([](Session&) -> Result<void> { throw std::logic_error("x"); })),
      std::logic_error);
  EXPECT_EQ(things(), 0);
  EXPECT_THAT(write("INSERT INTO things (name) VALUES ('b')"), Succeeds());
}

TEST_P(Transactions, AFailedStatementFailsTheWorkThatIgnoresIt) {
  const Result<void> result = database_->write([](Session& session) -> Result<void> {
    static_cast<void>(add(session, "a"));
    static_cast<void>(add(session, "a"));
    return {};
  });
  EXPECT_THAT(result, FailsWith(Errc::conflict));
  EXPECT_EQ(things(), 0);
}

TEST_P(Transactions, StatementsAfterAFailedOneGiveItsError) {
  Errc later = Errc::internal;
  const Result<void> result = database_->write([&](Session& session) -> Result<void> {
    static_cast<void>(add(session, "a"));
    static_cast<void>(add(session, "a"));
    later = add(session, "b").error().code;
    return Error{Errc::immutable, "the work's own words"};
  });
  EXPECT_EQ(later, Errc::conflict);
  EXPECT_THAT(result, FailsWith(Errc::immutable));
}

TEST_P(Transactions, AWorkSeesItsOwnWrites) {
  std::int64_t seen = -1;
  ASSERT_THAT(database_->write([&](Session& session) -> Result<void> {
    if (Result<void> added = add(session, "a"); !added) return added;
    Result<std::vector<Row>> rows = session.query("SELECT count(*) FROM things");
    if (!rows) return rows.error();
    seen = rows->at(0).integer(0);
    return {};
  }),
              Succeeds());
  EXPECT_EQ(seen, 1);
}

TEST_P(Transactions, AReadKeepsItsSnapshotWhileOthersWrite) {
  std::vector<std::int64_t> counts;
  ASSERT_THAT(database_->read([&](Session& session) -> Result<void> {
    counts.clear();
    for (int i = 0; i < 2; ++i) {
      Result<std::vector<Row>> rows = session.query("SELECT count(*) FROM things");
      if (!rows) return rows.error();
      counts.push_back(rows->at(0).integer(0));
      if (i > 0) break;
      std::thread([&] { EXPECT_THAT(write("INSERT INTO things (name) VALUES ('a')"), Succeeds()); }).join();
    }
    return {};
  }),
              Succeeds());
  EXPECT_THAT(counts, ::testing::ElementsAre(0, 0));
  EXPECT_EQ(things(), 1);
}

TEST_P(Transactions, AReadSeesNothingOfAWorkThatIsUnderWay) {
  std::promise<void> written;
  std::promise<void> looked;
  auto writer = std::async(std::launch::async, [&] {
    return database_->write([&](Session& session) -> Result<void> {
      if (Result<void> added = add(session, "a"); !added) return added;
      written.set_value();
      looked.get_future().wait_for(seconds(30));
      return {};
    });
  });
  written.get_future().wait();
  EXPECT_EQ(things(), 0);
  looked.set_value();
  EXPECT_THAT(writer.get(), Succeeds());
  EXPECT_EQ(things(), 1);
}

TEST_P(Transactions, AReadOnAnotherThreadSeesEveryWriteThatReturned) {
  for (int i = 1; i <= 50; ++i) {
    ASSERT_THAT(write("INSERT INTO things (name) VALUES (?)", {std::to_string(i)}), Succeeds());
    std::int64_t seen = 0;
    std::thread([&] { seen = things(); }).join();
    ASSERT_EQ(seen, i);
  }
}

TEST_P(Transactions, AReadMayNotWrite) {
  const Result<void> result = database_->read([](Session& session) { return add(session, "a"); });
  EXPECT_THAT(result, FailsWith(Errc::internal));
  EXPECT_EQ(things(), 0);
}

TEST_P(Transactions, OneInsideAnotherIsRefused) {
  const auto nothing = [](Session&) -> Result<void> { return {}; };
  const auto nested_write = [&](Session&) { return database_->write(nothing); };
  const auto nested_read = [&](Session&) { return database_->read(nothing); };
  EXPECT_THAT(database_->write(nested_write), FailsWith(Errc::internal));
  EXPECT_THAT(database_->write(nested_read), FailsWith(Errc::internal));
  EXPECT_THAT(database_->read(nested_write), FailsWith(Errc::internal));
  EXPECT_THAT(database_->read(nested_read), FailsWith(Errc::internal));
  EXPECT_THAT(database_->read(nothing), Succeeds());
  EXPECT_THAT(database_->write(nothing), Succeeds());
}

TEST_P(Transactions, PingAnswers) { EXPECT_THAT(database_->ping(), Succeeds()); }

TEST_P(Transactions, SurvivesClosingAndOpening) {
  ASSERT_THAT(write("INSERT INTO things (name) VALUES ('kept')"), Succeeds());
  database_.reset();
  Result<std::unique_ptr<Database>> opened = open_another(migrations());
  ASSERT_THAT(opened, Succeeds());
  database_ = std::move(*opened);
  EXPECT_EQ(things(), 1);
}

}  // namespace
}  // namespace bulkhead::db::testing

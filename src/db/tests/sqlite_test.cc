// What only SQLite has: group commit, the file, the disk.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>
#include <future>
#include <thread>

#include "db/engine.h"
#include "db/sqlite_writer.h"
#include "db/testing/database_contract.h"

namespace bulkhead::db::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

Result<void> run(Session& session, std::string_view sql, std::initializer_list<Value> parameters = {}) {
  Result<std::int64_t> changed = session.execute(sql, parameters);
  if (!changed) return changed.error();
  return {};
}

std::unique_ptr<SqliteConnection> connect(const EmptyDatabase& storage) {
  auto connection = SqliteConnection::open(storage.path(), SqliteRole::writer, seconds(10));
  if (!connection) throw std::runtime_error(connection.error().message);
  return std::move(*connection);
}

std::int64_t count(const EmptyDatabase& storage, std::string_view sql) {
  return connect(storage)->run(sql, {}).value().rows.at(0).integer(0);
}

// Holds the writer's thread in one work, so that those written meanwhile become one group.
class GroupCommit : public ::testing::Test {
 protected:
  GroupCommit() {
    auto connection = connect(storage_);
    EXPECT_THAT(connection->run_script(
                    "CREATE TABLE t (a BIGINT PRIMARY KEY, b TEXT);"
                    "CREATE TABLE child (a BIGINT REFERENCES t (a) DEFERRABLE INITIALLY DEFERRED)"),
                Succeeds());
    writer_.emplace(std::move(connection),
                    SqliteWriterLimits{.queue = 8, .group = 64, .wait = milliseconds(300)});
  }

  void hold() {
    std::promise<void> held;
    holder_ = std::async(std::launch::async, [&, release = release_.get_future().share()] {
      return writer_->write([&](Session&) -> Result<void> {
        held.set_value();
        release.wait();
        return {};
      });
    });
    held.get_future().wait();
  }

  // Queues them in this order and lets them go; their results, in the same order.
  std::vector<Result<void>> write_as_one_group(const std::vector<Database::Work>& works) {
    hold();
    std::vector<std::future<Result<void>>> pending;
    for (const Database::Work& work : works) {
      pending.push_back(std::async(std::launch::async, [&] { return writer_->write(work); }));
      std::this_thread::sleep_for(milliseconds(30));
    }
    release_.set_value();
    EXPECT_THAT(holder_.get(), Succeeds());
    std::vector<Result<void>> results;
    for (auto& result : pending) results.push_back(result.get());
    return results;
  }

  static Database::Work insert(std::int64_t a) {
    return [a](Session& session) { return run(session, "INSERT INTO t (a) VALUES (?)", {a}); };
  }

  EmptyDatabase storage_{Engine::sqlite};
  std::optional<SqliteWriter> writer_;
  std::promise<void> release_;
  std::future<Result<void>> holder_;
};

TEST_F(GroupCommit, AFailureInTheMiddleOfAGroupIsUndoneAlone) {
  const Database::Work half = [](Session& session) {
    return run(session, "INSERT INTO t (a) VALUES (7)") ? run(session, "INSERT INTO t (a) VALUES (1)")
                                                        : Error{Errc::internal, "the first statement failed"};
  };
  const auto results = write_as_one_group({insert(1), half, insert(2)});
  EXPECT_THAT(results[0], Succeeds());
  EXPECT_THAT(results[1], FailsWith(Errc::conflict));
  EXPECT_THAT(results[2], Succeeds());
  EXPECT_EQ(count(storage_, "SELECT count(*) FROM t"), 2);
  EXPECT_EQ(count(storage_, "SELECT count(*) FROM t WHERE a = 7"), 0);
}

TEST_F(GroupCommit, WhenAnErrorRollsBackTheWholeTransactionTheOthersRunAgain) {
  int runs = 0;
  const Database::Work counted = [&](Session& session) {
    ++runs;
    return run(session, "INSERT INTO t (a) VALUES (1)");
  };
  const Database::Work fill = [](Session& session) -> Result<void> {
    // A row without space for it makes SQLite give up the transaction, not only the statement.
    if (Result<std::vector<Row>> set = session.query("PRAGMA max_page_count = 1"); !set) return set.error();
    return run(session, "INSERT INTO t (a, b) VALUES (3, ?)", {std::string(1 << 20, 'x')});
  };
  const Database::Work allow = [](Session& session) -> Result<void> {
    if (Result<std::vector<Row>> set = session.query("PRAGMA max_page_count = 1000000"); !set)
      return set.error();
    return run(session, "INSERT INTO t (a) VALUES (2)");
  };
  const auto results = write_as_one_group({counted, fill, allow});
  EXPECT_THAT(results[0], Succeeds());
  EXPECT_THAT(results[1], FailsWith(Errc::no_space));
  EXPECT_THAT(results[2], Succeeds());
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(count(storage_, "SELECT count(*) FROM t WHERE a IN (1, 2)"), 2);
}

TEST_F(GroupCommit, ADeferredReferenceWithoutItsRowFailsOnlyItsOwnWork) {
  const Database::Work orphan = [](Session& session) {
    return run(session, "INSERT INTO child (a) VALUES (9)");
  };
  const auto results = write_as_one_group({insert(1), orphan, insert(2)});
  EXPECT_THAT(results[0], Succeeds());
  EXPECT_THAT(results[1], FailsWith(Errc::conflict));
  EXPECT_THAT(results[2], Succeeds());
}

TEST_F(GroupCommit, AWorkThatEndsTheTransactionIsRefusedAndTheOthersSurvive) {
  const Database::Work meddler = [](Session& session) { return run(session, "ROLLBACK"); };
  const auto results = write_as_one_group({insert(1), meddler, insert(2)});
  EXPECT_THAT(results[0], Succeeds());
  EXPECT_THAT(results[1], FailsWith(Errc::internal));
  EXPECT_THAT(results[2], Succeeds());
  EXPECT_EQ(count(storage_, "SELECT count(*) FROM t"), 2);
}

TEST_F(GroupCommit, AWriteWhoseTurnDoesNotComeIsUnavailableAndNeverRuns) {
  hold();
  EXPECT_THAT(writer_->write(insert(1)), FailsWith(Errc::unavailable));
  release_.set_value();
  EXPECT_THAT(holder_.get(), Succeeds());
  EXPECT_EQ(count(storage_, "SELECT count(*) FROM t"), 0);
}

TEST(WriterQueue, AFullQueueIsUnavailableAfterTheWait) {
  const EmptyDatabase storage(Engine::sqlite);
  SqliteWriter writer(connect(storage), SqliteWriterLimits{.queue = 0, .wait = milliseconds(50)});
  const auto start = std::chrono::steady_clock::now();
  const Result<void> refused = writer.write([](Session&) -> Result<void> { return {}; });
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(50));
  ASSERT_THAT(refused, FailsWith(Errc::unavailable));
  EXPECT_THAT(refused.error().message, HasSubstr("too many writes"));
}

TEST(WriterQueue, WritersWaitForAPlaceInAQueueOfOne) {
  const EmptyDatabase storage(Engine::sqlite);
  SqliteWriter writer(connect(storage), SqliteWriterLimits{.queue = 1, .group = 1});
  std::vector<std::future<Result<void>>> pending;
  for (int i = 0; i < 16; ++i) {
    pending.push_back(std::async(std::launch::async, [&] {
      return writer.write(
          [](Session& session) { return run(session, "CREATE TABLE IF NOT EXISTS t (a BIGINT)"); });
    }));
  }
  for (auto& result : pending) EXPECT_THAT(result.get(), Succeeds());
}

class SqliteFile : public ::testing::Test {
 protected:
  std::unique_ptr<Database> open_quick(int timeout_ms) {
    return open_or_throw(storage_, Options{.timeout_ms = timeout_ms});
  }
  EmptyDatabase storage_{Engine::sqlite};
};

TEST_F(SqliteFile, IsReadableByItsOwnerAlone) {
  const auto database = open_or_throw(storage_);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat status {};
    ASSERT_EQ(stat((storage_.path().string() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(SqliteFile, SyncsEveryCommitOfItsLog) {
  const auto connection = connect(storage_);
  EXPECT_EQ(connection->run("PRAGMA journal_mode", {}).value().rows.at(0).text(0), "wal");
  EXPECT_EQ(connection->run("PRAGMA synchronous", {}).value().rows.at(0).integer(0), 2);
  EXPECT_EQ(connection->run("PRAGMA foreign_keys", {}).value().rows.at(0).integer(0), 1);
}

TEST_F(SqliteFile, ALimitOnItsSizeIsNoSpaceAndReadsGoOn) {
  const auto database = open_or_throw(storage_);
  const auto insert = [](Session& session) {
    return run(session, "INSERT INTO blobs (digest, size, created_at) VALUES (?, 1, 1)",
               {std::string(4 << 20, 'd')});
  };
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit limited{1 << 20, before.rlim_max};
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limited), 0);
  const Result<void> refused = database->write(insert);
  const Result<void> ping = database->ping();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, old_handler);
  EXPECT_THAT(refused, FailsWith(Errc::no_space));
  EXPECT_THAT(ping, Succeeds());
  EXPECT_THAT(database->write(insert), Succeeds());
}

TEST_F(SqliteFile, AStatementThatRunsTooLongIsStopped) {
  const auto database = open_quick(100);
  const auto forever = [](Session& session) {
    return run(session,
               "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
  };
  EXPECT_THAT(database->read(forever), FailsWith(Errc::unavailable));
  EXPECT_THAT(database->write(forever), FailsWith(Errc::unavailable));
  EXPECT_THAT(database->ping(), Succeeds());
}

TEST_F(SqliteFile, AnotherProcessesLockIsUnavailableAfterTheTimeLimit) {
  const auto database = open_quick(100);
  const auto other = connect(storage_);
  ASSERT_THAT(other->run_script("BEGIN IMMEDIATE"), Succeeds());
  const auto nothing = [](Session&) -> Result<void> { return {}; };
  const Result<void> result = database->write(nothing);
  ASSERT_THAT(result, FailsWith(Errc::unavailable));
  EXPECT_THAT(result.error().message, HasSubstr("locked by another process"));
  EXPECT_THAT(database->ping(), Succeeds());
  ASSERT_THAT(other->run_script("ROLLBACK"), Succeeds());
  EXPECT_THAT(database->write(nothing), Succeeds());
}

TEST_F(SqliteFile, AReaderForWhomNoConnectionComesFreeIsUnavailable) {
  const auto database = open_or_throw(storage_, Options{.readers = 1, .timeout_ms = 100});
  EXPECT_THAT(database->read([&](Session&) -> Result<void> {
    Result<void> other;
    std::thread([&] { other = database->ping(); }).join();
    return other;
  }),
              FailsWith(Errc::unavailable));
}

TEST_F(SqliteFile, AFileThatIsNoDatabaseIsCalledDamaged) {
  std::ofstream(storage_.path()) << std::string(8192, 'x');
  const Result<std::unique_ptr<Database>> opened = open(storage_.url());
  ASSERT_THAT(opened, FailsWith(Errc::internal));
  EXPECT_THAT(opened.error().message, AllOf(HasSubstr("damaged"), HasSubstr(storage_.path().string())));
}

TEST_F(SqliteFile, AMissingDirectoryIsNamed) {
  const Result<std::unique_ptr<Database>> opened = open("sqlite:/nonexistent/directory/bulkhead.db");
  ASSERT_THAT(opened, FailsWith(Errc::unavailable));
  EXPECT_THAT(opened.error().message,
              HasSubstr("/nonexistent/directory/bulkhead.db: No such file or directory"));
}

TEST_F(SqliteFile, ANameThatLooksLikeAUrlIsAFile) {
  const std::string odd = (storage_.path().parent_path() / "file:odd.db?mode=memory").string();
  ASSERT_THAT(open("sqlite:" + odd), Succeeds());
  EXPECT_TRUE(std::filesystem::exists(odd));
}

TEST_F(SqliteFile, ADatabaseInMemoryIsRefused) {
  EXPECT_THAT(open("sqlite::memory:"), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(open("sqlite:"), FailsWith(Errc::invalid_argument));
}

TEST(Open, AnUnknownUrlIsRefusedWithoutBeingQuoted) {
  const Result<std::unique_ptr<Database>> opened = open("mysql://user:s3cret@host/db");
  ASSERT_THAT(opened, FailsWith(Errc::invalid_argument));
  EXPECT_THAT(opened.error().message, ::testing::Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace bulkhead::db::testing

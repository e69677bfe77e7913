// Many threads on one database, alike on both engines.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "db/testing/database_contract.h"

namespace bulkhead::db::testing {
namespace {

class Concurrency : public DatabaseContract {
 protected:
  // Calls `body(thread number)` on each of `count` threads and waits for all.
  static void on_threads(int count, const std::function<void(int)>& body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
    for (std::thread& thread : threads) thread.join();
  }
};

INSTANTIATE_TEST_SUITE_P(Database, Concurrency, ::testing::Values(Engine::sqlite, Engine::postgres),
                         engine_name);

// Reads, then writes what it computed: the update that is lost when isolation is weaker than serializable.
Result<void> increment(Session& session) {
  Result<std::vector<Row>> rows = session.query("SELECT value FROM counters WHERE name = 'n'");
  if (!rows) return rows.error();
  Result<std::int64_t> changed =
      session.execute("UPDATE counters SET value = ? WHERE name = 'n'", {rows->at(0).integer(0) + 1});
  if (!changed) return changed.error();
  return {};
}

TEST_P(Concurrency, SixteenThreadsIncrementOneCounterWithoutLosingAnUpdate) {
  constexpr int kThreads = 16;
  constexpr int kEach = 15;
  std::atomic<int> acknowledged = 0;
  on_threads(kThreads, [&](int) {
    for (int i = 0; i < kEach; ++i) {
      const Result<void> result = database_->write(increment);
      EXPECT_THAT(result, Succeeds());
      if (result) ++acknowledged;
    }
  });
  EXPECT_EQ(acknowledged, kThreads * kEach);
  EXPECT_EQ(read_integer("SELECT value FROM counters WHERE name = 'n'"), acknowledged);
}

// What revokes or removes reads and writes much, while others write a little without end.
TEST_P(Concurrency, AWriteThatTouchesMuchWinsAgainstAStreamOfSmallOnes) {
  constexpr int kWriters = 6;
  constexpr int kRows = 24;
  for (int i = 0; i < kRows; ++i)
    ASSERT_THAT(write("INSERT INTO counters (name, value) VALUES ('s" + std::to_string(i) + "', 0)"),
                Succeeds());
  std::atomic<bool> done = false;
  std::atomic<int> small = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> stream;
  for (int thread = 0; thread < kWriters; ++thread)
    stream.emplace_back([&, thread] {
      for (int i = 0; !done; ++i) {
        const std::string name = "s" + std::to_string((thread * 5 + i) % kRows);
        const Result<void> written = database_->write([&](Session& session) -> Result<void> {
          Result<std::int64_t> changed =
              session.execute("UPDATE counters SET value = value + 1 WHERE name = ?", {name});
          if (!changed) return changed.error();
          return {};
        });
        written ? ++small : ++refused;
      }
    });
  while (small < 20) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(database_->write([&](Session& session) -> Result<void> {
      Result<std::vector<Row>> all = session.query("SELECT name, value FROM counters WHERE name LIKE 's%'");
      if (!all) return all.error();
      // The evidence of each, say.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      Result<std::int64_t> changed = session.execute("UPDATE counters SET value = 0 WHERE name LIKE 's%'");
      if (!changed) return changed.error();
      return {};
    }),
                Succeeds());
  }
  const int before = small;
  while (small < before + 20 && refused == 0) std::this_thread::yield();
  done = true;
  for (std::thread& each : stream) each.join();
  EXPECT_EQ(refused, 0);
}

// Two transactions that each read what the other writes (write skew): snapshots alone would let both through.
TEST_P(Concurrency, WritersThatReadEachOthersRowsDoNotBothSucceedOnOldSums) {
  ASSERT_THAT(write("INSERT INTO counters (name, value) VALUES ('x', 0), ('y', 0)"), Succeeds());
  on_threads(8, [&](int thread) {
    EXPECT_THAT(database_->write([&](Session& session) -> Result<void> {
      Result<std::vector<Row>> sum =
          session.query("SELECT sum(value) FROM counters WHERE name IN ('x', 'y')");
      if (!sum) return sum.error();
      if (sum->at(0).integer(0) > 0) return {};
      Result<std::int64_t> changed =
          session.execute("UPDATE counters SET value = 1 WHERE name = ?", {thread % 2 == 0 ? "x" : "y"});
      if (!changed) return changed.error();
      return {};
    }),
                Succeeds());
  });
  EXPECT_EQ(read_integer("SELECT sum(value) FROM counters WHERE name IN ('x', 'y')"), 1);
}

TEST_P(Concurrency, OneWritersFailureLeavesTheOthersAlone) {
  constexpr int kThreads = 12;
  constexpr int kEach = 10;
  std::atomic<int> thrown = 0;
  on_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kEach; ++i) {
      const std::string name = std::to_string(thread) + "-" + std::to_string(i);
      const auto work = [&](Session& session) -> Result<void> {
        Result<std::int64_t> added = session.execute("INSERT INTO things (name) VALUES (?)", {name});
        if (!added) return added.error();
        if (thread % 4 == 1) return Error{Errc::denied, "no"};
        if (thread % 4 == 2) throw std::runtime_error("a bug");
        if (thread % 4 == 3) {
          Result<std::int64_t> again = session.execute("INSERT INTO things (name) VALUES (?)", {name});
          if (!again) return again.error();
        }
        return {};
      };
      switch (thread % 4) {
        case 0: EXPECT_THAT(database_->write(work), Succeeds()); break;
        case 1: EXPECT_THAT(database_->write(work), FailsWith(Errc::denied)); break;
        case 3: EXPECT_THAT(database_->write(work), FailsWith(Errc::conflict)); break;
        default: try { static_cast<void>(database_->write(work));
          } catch (const std::runtime_error&) {
            ++thrown;
          }
      }
    }
  });
  EXPECT_EQ(thrown, kThreads / 4 * kEach);
  EXPECT_EQ(read_integer("SELECT count(*) FROM things"), kThreads / 4 * kEach);
}

TEST_P(Concurrency, MoreReadersThanConnectionsAllGetTheirTurn) {
  on_threads(32, [&](int) {
    for (int i = 0; i < 10; ++i) EXPECT_THAT(database_->ping(), Succeeds());
  });
}

}  // namespace
}  // namespace bulkhead::db::testing

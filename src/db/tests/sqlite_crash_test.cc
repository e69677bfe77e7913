// A process that is killed while it writes loses nothing that it had acknowledged.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "db/testing/empty_database.h"

namespace bulkhead::db::testing {
namespace {

constexpr const char* kPathVariable = "BULKHEAD_CRASH_TEST_DATABASE";
constexpr const char* kPipeVariable = "BULKHEAD_CRASH_TEST_PIPE";
constexpr int kThreads = 4;

struct Acknowledgement {
  int thread;
  int number;
};

// Not a test: what this program does when SqliteCrash starts it a second time. Acknowledges each write on
// standard output, until it is killed.
TEST(SqliteCrashChild, DISABLED_WritesUntilItIsKilled) {
  const char* const path = getenv(kPathVariable);
  const char* const pipe_number = getenv(kPipeVariable);
  ASSERT_TRUE(path && pipe_number);
  const int acknowledgements = atoi(pipe_number);
  const std::unique_ptr<Database> database = open("sqlite:" + std::string(path)).value();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int number = 0;; ++number) {
        const Result<void> written = database->write([&](Session& session) -> Result<void> {
          Result<std::int64_t> added =
              session.execute("INSERT INTO blobs (digest, size, created_at) VALUES (?, ?, 0)",
                              {std::to_string(thread) + "-" + std::to_string(number), number});
          if (!added) return added.error();
          return {};
        });
        const Acknowledgement done{thread, number};
        if (!written || write(acknowledgements, &done, sizeof done) != sizeof done) _exit(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

class Child {
 public:
  explicit Child(const std::string& path) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("pipe");
    std::string path_variable = std::string(kPathVariable) + "=" + path;
    std::string pipe_variable = std::string(kPipeVariable) + "=" + std::to_string(ends[1]);
    std::array<char*, 3> environment = {path_variable.data(), pipe_variable.data(), nullptr};
    std::string filter = "--gtest_filter=SqliteCrashChild.*";
    std::string disabled = "--gtest_also_run_disabled_tests";
    std::string program = "/proc/self/exe";
    std::array<char*, 4> arguments = {program.data(), filter.data(), disabled.data(), nullptr};
    pid_ = fork();
    if (pid_ == 0) {
      dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
      execve(program.c_str(), arguments.data(), environment.data());
      _exit(127);
    }
    close(ends[1]);
    acknowledgements_ = ends[0];
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(acknowledgements_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The numbers that each thread has had acknowledged when `count` were and the child was killed.
  std::array<int, kThreads> kill_after(int count) {
    std::array<int, kThreads> last;
    last.fill(-1);
    Acknowledgement done{};
    int seen = 0;
    while (read(acknowledgements_, &done, sizeof done) == sizeof done) {
      last.at(static_cast<std::size_t>(done.thread)) = done.number;
      if (++seen == count) kill(pid_, SIGKILL);
    }
    return last;
  }

 private:
  pid_t pid_ = -1;
  int acknowledgements_ = -1;
};

TEST(SqliteCrash, EveryAcknowledgedWriteIsThereAfterAKill) {
  const EmptyDatabase storage(Engine::sqlite);
  open_or_throw(storage);
  std::array<int, kThreads> last = Child(storage.path().string()).kill_after(150);

  const std::unique_ptr<Database> database = open_or_throw(storage);
  std::int64_t acknowledged = 0;
  std::int64_t found = 0;
  std::int64_t stored = 0;
  std::string integrity;
  const Result<void> result = database->read([&](Session& session) -> Result<void> {
    acknowledged = 0;
    found = 0;
    for (int thread = 0; thread < kThreads; ++thread) {
      acknowledged += last[static_cast<std::size_t>(thread)] + 1;
      for (int number = 0; number <= last[static_cast<std::size_t>(thread)]; ++number) {
        Result<std::vector<Row>> rows =
            session.query("SELECT size FROM blobs WHERE digest = ?",
                          {std::to_string(thread) + "-" + std::to_string(number)});
        if (!rows) return rows.error();
        found += static_cast<std::int64_t>(rows->size());
      }
    }
    Result<std::vector<Row>> rows = session.query("SELECT count(*) FROM blobs");
    if (!rows) return rows.error();
    stored = rows->at(0).integer(0);
    Result<std::vector<Row>> check = session.query("PRAGMA integrity_check");
    if (!check) return check.error();
    integrity = check->at(0).text(0);
    return {};
  });
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GE(acknowledged, 150);
  EXPECT_EQ(found, acknowledged);
  // Committed, killed before the acknowledgement: at most one of each thread.
  EXPECT_LE(stored, acknowledged + kThreads);
  EXPECT_EQ(integrity, "ok");
}

}  // namespace
}  // namespace bulkhead::db::testing

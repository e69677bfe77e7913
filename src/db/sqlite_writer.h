// The one thread that writes to an SQLite file, with group commit. Internal to db.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "db/sqlite_connection.h"
#include "db/transaction.h"

namespace bulkhead::db {

struct SqliteWriterLimits {
  std::size_t queue = 256;                 // works that wait; write() waits for a place
  std::size_t group = 64;                  // works that share one commit
  std::chrono::milliseconds wait{10'000};  // for a place in the queue and for the work's turn
};

// SQLite lets one transaction write at a time, and a durable commit costs a disk sync. So works that arrive
// while a commit is under way wait in a queue, and the next transaction takes all of them: each in a
// savepoint of its own, then one COMMIT, one sync, and every caller gets its own result. A work that arrives
// alone is committed at once.
class SqliteWriter {
 public:
  SqliteWriter(std::unique_ptr<SqliteConnection> connection, const SqliteWriterLimits& limits);
  // Finishes what is queued.
  ~SqliteWriter();
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  // Database::write(): runs the work on the writer's thread and returns when it is durable or undone.
  // Thread-safe; not to be called from the writer's thread.
  Result<void> write(const Database::Work& work);

 private:
  enum class Stage { queued, running, finished };

  // Lives on the stack of the waiting caller.
  struct Request {
    explicit Request(const Database::Work& w) : work(w) {}
    const Database::Work& work;
    WorkOutcome outcome;
    Stage stage = Stage::queued;
    std::condition_variable finished;
  };
  using Group = std::vector<Request*>;

  void loop();
  Group take();
  Group attempt(const Group& group);
  void run(Request& request);
  Result<void> statement(std::string_view sql);
  void finish(const Group& group);
  void finish_with(const Group& group, const Error& error);

  const std::unique_ptr<SqliteConnection> connection_;  // used by thread_ alone
  const SqliteWriterLimits limits_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable place_;
  std::deque<Request*> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace bulkhead::db

// That one process has a PostgreSQL database to itself: what a server remembers of it would not hold beside
// another's changes. An advisory lock says so, on a connection of its own, so that the end of the process
// gives it back. Internal to db.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "db/postgres_connection.h"

namespace bulkhead::db {

// Thread-safe. Borrows target and patience.
class PostgresTenure {
 public:
  PostgresTenure(const PostgresTarget& target, Patience& patience) : target_(target), patience_(patience) {}

  // Waits a few seconds for a process that is ending. Errc::conflict when another one stays.
  Result<void> begin();
  // Cheap while the connection lasts. Else takes the lock again; Errc::conflict when somebody else was first.
  Result<void> keep();

 private:
  Result<void> keep_alone();
  Result<void> take();

  const PostgresTarget& target_;
  Patience& patience_;
  // Instead of a std::timed_mutex, whose waits ThreadSanitizer does not see.
  std::mutex mutex_;
  std::condition_variable free_;
  bool busy_ = false;  // guarded by mutex_; whoever set it has the connection
  std::unique_ptr<PostgresConnection> connection_;
};

}  // namespace bulkhead::db

// That one process has a PostgreSQL database to itself: what a server remembers of it would not hold beside
// another's changes. An advisory lock says so, on a connection of its own, so that the end of the process
// gives it back. Internal to db.
#pragma once

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
  Result<void> take();

  const PostgresTarget& target_;
  Patience& patience_;
  std::timed_mutex mutex_;
  std::unique_ptr<PostgresConnection> connection_;  // guarded by mutex_
};

}  // namespace bulkhead::db

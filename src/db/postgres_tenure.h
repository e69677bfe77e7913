// That one process has a PostgreSQL database to itself: what a server remembers of it would not hold beside
// another's changes. An advisory lock says so, on a connection of its own, so that the end of the process
// gives it back. Internal to db.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "db/postgres_connection.h"

namespace bulkhead::db {

// Thread-safe. Borrows target and patience.
class PostgresTenure {
 public:
  // What happens when it is lost and taken again, in keep(), while nobody else comes out of it: `lost` before
  // a new connection is made, `regained` once the database is found to be the one of before. Neither may use
  // the database.
  struct Hooks {
    std::function<void()> lost = [] {};
    std::function<void()> regained = [] {};
  };
  PostgresTenure(const PostgresTarget& target, Patience& patience) : target_(target), patience_(patience) {}

  // Waits a few seconds for a process that is ending. Errc::conflict when another one stays.
  Result<void> begin();
  // With the schema as it is from now on; not thread-safe, before the first keep() by others.
  Result<void> settle(Hooks hooks);
  // Cheap while the connection lasts. Else takes the lock again; Errc::conflict when somebody else was first,
  // or the database that answers is not the one of before.
  Result<void> keep();
  // Errc::unavailable when the connection leads to another server than the lock's: to one that was the
  // primary before a failover, say.
  Result<void> check_is_here(PostgresConnection& connection) const;

 private:
  Result<void> keep_alone();
  Result<void> take();
  // What a copy or a replica of this database has as well, and no other one.
  Result<std::string> identity(PostgresConnection& connection) const;

  const PostgresTarget& target_;
  Patience& patience_;
  // Instead of a std::timed_mutex, whose waits ThreadSanitizer does not see.
  std::mutex mutex_;
  std::condition_variable free_;
  bool busy_ = false;  // guarded by mutex_; whoever set it has the connection
  std::unique_ptr<PostgresConnection> connection_;
  Hooks hooks_;
  std::string identity_;                  // empty before settle()
  std::atomic<std::int64_t> backend_{0};  // the process at the server that holds the lock
};

}  // namespace bulkhead::db

#include "db/postgres_tenure.h"

#include <fmt/format.h>

#include <thread>

namespace bulkhead::db {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kWaitForPredecessor{5000};
constexpr milliseconds kBetweenTries{100};

// "bulkhold" in ASCII.
constexpr const char* kTake = "SELECT pg_try_advisory_lock(x'62756c6b686f6c64'::bigint), pg_backend_pid()";
constexpr const char* kHolds =
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = x'62756c6b'::int"
    " AND objid = x'686f6c64'::int AND pid = ?";
// When each step of the schema was made, to the microsecond.
constexpr const char* kIdentity =
    "SELECT coalesce(string_agg(version || ':' || applied_at, ' ' ORDER BY version), '') FROM "
    "schema_migrations";
// Of a machine that is gone without a word the server hears nothing; it is to ask within a minute, and not
// after the two hours that are usual.
constexpr const char* kNoticeTheEnd =
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;"
    "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'";

}  // namespace

Result<void> PostgresTenure::begin() {
  const auto deadline = steady_clock::now() + kWaitForPredecessor;
  for (;;) {
    Result<void> kept = keep();
    if (kept || kept.error().code != Errc::conflict || steady_clock::now() >= deadline) return kept;
    std::this_thread::sleep_for(kBetweenTries);
  }
}

Result<void> PostgresTenure::keep() {
  std::unique_lock lock(mutex_);
  if (!free_.wait_for(lock, patience_.limit(), [this] { return !busy_; }))
    return inner_error(Errc::unavailable, fmt::format("the {} does not answer", target_.place()));
  busy_ = true;
  lock.unlock();
  Result<void> kept = keep_alone();
  lock.lock();
  busy_ = false;
  free_.notify_one();
  return kept;
}

Result<void> PostgresTenure::keep_alone() {
  if (connection_ && connection_->connected()) return {};
  return take();
}

Result<void> PostgresTenure::settle(Hooks hooks) {
  auto known = identity(*connection_);
  if (!known) return known.error();
  identity_ = *std::move(known);
  hooks_ = std::move(hooks);
  return {};
}

Result<std::string> PostgresTenure::identity(PostgresConnection& connection) const {
  const Result<Outcome> asked = connection.run(kIdentity, {});
  if (!asked) return asked.error();
  return asked->rows.at(0).text(0);
}

Result<void> PostgresTenure::check_is_here(PostgresConnection& connection) const {
  const Value backend[] = {backend_.load()};
  const Result<Outcome> asked = connection.run(kHolds, backend);
  if (!asked) return asked.error();
  if (asked->rows.at(0).integer(0) > 0) return {};
  return inner_error(Errc::unavailable,
                     fmt::format("a connection to the {} leads to another server than the one that this "
                                 "process has to itself, or that has just ended",
                                 target_.place()));
}

Result<void> PostgresTenure::take() {
  if (connection_) hooks_.lost();
  connection_.reset();
  auto opened = PostgresConnection::open(target_, patience_);
  if (!opened) return opened.error();
  if (Result<void> set = (*opened)->run_script(kNoticeTheEnd); !set) return set;
  const Result<Outcome> taken = (*opened)->run(kTake, {});
  if (!taken) return taken.error();
  if (taken->rows.at(0).integer(0) == 0)
    return Error{Errc::conflict,
                 fmt::format("another bulkhead process is using the {}: one at a time may. Stop that one, or "
                             "name another database",
                             target_.place())};
  if (!identity_.empty()) {
    const Result<std::string> found = identity(**opened);
    // Without its tables it is another one, too.
    if (!found && found.error().code == Errc::unavailable) return found.error();
    if (!found || *found != identity_)
      return Error{Errc::conflict,
                   fmt::format("what answers as the {} now is another database than the one that this server "
                               "began with, or was changed by another version of bulkhead: see where the "
                               "setting `database` leads",
                               target_.place())};
  }
  backend_ = taken->rows.at(0).integer(1);
  connection_ = std::move(*opened);
  if (!identity_.empty()) hooks_.regained();
  return {};
}

}  // namespace bulkhead::db

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
constexpr const char* kTake = "SELECT pg_try_advisory_lock(x'62756c6b686f6c64'::bigint)";
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

Result<void> PostgresTenure::take() {
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
  connection_ = std::move(*opened);
  return {};
}

}  // namespace bulkhead::db

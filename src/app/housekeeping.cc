#include "app/housekeeping.h"

#include <signal.h>
#include <unistd.h>

#include "app/local_certificates.h"
#include "registry/removed.h"

namespace bulkhead::app {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kTick{1};
// What memory answers is as old as this where the database was lost to somebody else.
constexpr std::chrono::seconds kLookEvery{1};
constexpr std::chrono::seconds kMeasureEvery{15};
constexpr std::chrono::seconds kSweepEvery{60};
constexpr std::chrono::seconds kCleanUpEvery{1};
constexpr std::chrono::seconds kCleanUpAgain{60};  // after an error
// People want to see for a while which token it was that stopped working.
constexpr std::chrono::hours kExpiredTokensKept{30 * 24};
constexpr std::chrono::hours kRenewEvery{24};

// Whether it is time, and when it will be again.
bool due(steady_clock::time_point& next, std::chrono::seconds every) {
  if (steady_clock::now() < next) return false;
  next = steady_clock::now() + every;
  return true;
}

}  // namespace

Housekeeping::Housekeeping(Installation& installation, Measurements& measurements,
                           CertificateWatch* certificate)
    : installation_(installation),
      measurements_(measurements),
      certificate_(certificate),
      keys_(installation),
      next_look_(steady_clock::now() + kLookEvery),
      next_measurement_(steady_clock::now()),
      next_sweep_(steady_clock::now() + kSweepEvery),
      next_renewal_(steady_clock::now() + kRenewEvery),
      next_clean_up_(steady_clock::now()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Housekeeping::finish() {
  thread_.request_stop();
  thread_.join();
  look_after_credentials();
}

void Housekeeping::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, kTick, [] { return false; });
    }
    if (stop.stop_requested()) return;
    if (due(next_look_, kLookEvery)) {
      installation_.reserve().tend();
      look_at_database();
    }
    // Nothing of the rest can be done then, and each part of it would wait.
    if (database_away_) continue;
    keys_.work();
    if (due(next_measurement_, kMeasureEvery)) measurements_.work();
    if (due(next_sweep_, kSweepEvery)) sweep();
    look_after_certificates();
    clean_up(stop);
  }
}

void Housekeeping::look_at_database() {
  Log& log = installation_.log();
  const auto answered = installation_.database().ping();
  if (answered) {
    if (database_away_) log.info("the database answers again");
    database_away_ = false;
    return;
  }
  if (!database_away_) log.warning("the database does not answer", {{"error", answered.error().message}});
  database_away_ = true;
  if (answered.error().code != Errc::conflict || !outcome_) return;
  log.error("the database is in another server's hands now; stopping", {{"error", answered.error().message}});
  outcome_ = answered.error();
  ::kill(::getpid(), SIGTERM);
}

void Housekeeping::look_after_certificates() {
  if (due(next_renewal_, kRenewEvery)) {
    // Replaced files are noticed below like any others.
    const auto renewed = local_certificates(installation_.settings(), installation_.clock().now());
    if (!renewed)
      installation_.log().warning("the local certificate cannot be renewed",
                                  {{"error", renewed.error().message}});
  }
  if (certificate_ != nullptr) certificate_->work();
}

// Writes down when tokens were last used, and removes what has long run out.
void Housekeeping::look_after_credentials() {
  Log& log = installation_.log();
  if (const auto written = installation_.access_tokens().flush(); !written)
    log.warning("the last use of tokens cannot be written down", {{"error", written.error().message}});
  for (const auto& removed :
       {installation_.sessions().prune(), installation_.access_tokens().prune(kExpiredTokensKept),
        installation_.login_requests().prune()})
    if (!removed)
      log.warning("credentials that have run out cannot be removed", {{"error", removed.error().message}});
}

// What repositories that were removed have left, in steps that let others pass.
void Housekeeping::clean_up(const std::stop_token& stop) {
  if (!due(next_clean_up_, kCleanUpEvery)) return;
  while (!stop.stop_requested()) {
    const auto more = registry::clean_up_removed(installation_.database());
    if (!more) {
      installation_.log().warning("what deleted repositories have left cannot be removed",
                                  {{"error", more.error().message}});
      next_clean_up_ = steady_clock::now() + kCleanUpAgain;
      return;
    }
    if (!*more) return;
  }
}

void Housekeeping::sweep() {
  look_after_credentials();
  Log& log = installation_.log();
  const auto swept = installation_.uploads().sweep();
  if (!swept)
    log.warning("abandoned uploads cannot be removed", {{"error", swept.error().message}});
  else if (*swept > 0)
    log.info("abandoned uploads have been removed", {{"uploads", *swept}});
}

}  // namespace bulkhead::app

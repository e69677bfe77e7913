// What a server does now and then beside its requests: keys, certificates, what has run out, and a look at
// the database. On a thread of its own, as it may have to wait for the database.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "app/certificate_watch.h"
#include "app/installation.h"
#include "app/key_housekeeping.h"
#include "app/measurements.h"

namespace bulkhead::app {

// Begins at once. Should another process have taken the database, SIGTERM is sent to this one, and outcome()
// says why.
class Housekeeping {
 public:
  // All outlive this; `certificate` is null without TLS.
  Housekeeping(Installation& installation, Measurements& measurements, CertificateWatch* certificate);

  // Ends the thread, once its present step is done, and writes down what is still to be written down.
  void finish();
  // After finish(): Errc::conflict where the database was lost to another process.
  Result<void> outcome() const { return outcome_; }

 private:
  void run(const std::stop_token& stop);
  void look_at_database();
  void look_after_certificates();
  void look_after_credentials();
  void sweep();
  void clean_up(const std::stop_token& stop);

  Installation& installation_;
  Measurements& measurements_;
  CertificateWatch* certificate_;
  KeyHousekeeping keys_;
  std::chrono::steady_clock::time_point next_look_;
  std::chrono::steady_clock::time_point next_measurement_;
  std::chrono::steady_clock::time_point next_sweep_;
  std::chrono::steady_clock::time_point next_renewal_;
  std::chrono::steady_clock::time_point next_clean_up_;
  bool database_away_ = false;
  Result<void> outcome_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses all of these
};

}  // namespace bulkhead::app

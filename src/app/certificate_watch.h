// Keeps an eye on the server's certificate: takes in the files when they change, and says what an operator
// would otherwise hear from clients: that it ends soon, or has ended, that it is for another host, or that a
// new one cannot be used.
#pragma once

#include <chrono>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "net/tls.h"

namespace bulkhead::app {

// Not synchronised: one thread calls it. All must outlive it.
class CertificateWatch {
 public:
  // Begins with a line about the certificate in use. `host`: what clients call the server, "" for anything.
  CertificateWatch(net::TlsContext& tls, std::string host, const Clock& clock, Log& log);

  // About once a second. The same trouble is said when it begins and once a day.
  void work();

 private:
  void describe(std::string_view event);

  net::TlsContext& tls_;
  const std::string host_;
  const Clock& clock_;
  Log& log_;
  std::string trouble_;  // the last thing that was wrong with new files, "" for nothing
  std::chrono::steady_clock::time_point next_description_;
  std::chrono::steady_clock::time_point next_complaint_;
};

}  // namespace bulkhead::app

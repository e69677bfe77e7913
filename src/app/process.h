// What a server asks of the machine: signals, descriptors, memory.
#pragma once

#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "config/settings.h"

namespace bulkhead::app {

// Once, before the first thread.
void prepare_process();

// So many connections as `http.connections` says, or as the limit of open files has room for beside the rest:
// then a warning says so. A connection has its socket, and a file that it reads or writes.
std::size_t connections_that_fit(const config::Settings& settings, std::size_t loops, Log& log);

// SIGTERM and SIGINT. Blocked in all threads from the construction on, which is before any other thread;
// heard by a thread that does nothing else, so that they are heard whatever the rest waits for.
//
// Until serving() such a signal ends the process at once, as it would end any other. After that it is waited
// for; and when the process has not ended by itself `longest` after it, it is ended with status 1.
class StopSignal {
 public:
  explicit StopSignal(std::chrono::milliseconds longest);
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  void serving();
  // Until somebody says stop.
  void wait();

 private:
  void listen(const std::stop_token& stop);

  const std::chrono::milliseconds longest_;
  ::sigset_t signals_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool serving_ = false;
  bool said_ = false;
  std::jthread listens_;
};

}  // namespace bulkhead::app

#include "app/process.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>

#include "base/open_files.h"

namespace bulkhead::app {
namespace {

// For the database, the journal, requests to other servers and the operator's.
constexpr std::size_t kOwnFiles = 64;
// Its queue, its clock, its bell, its listening socket.
constexpr std::size_t kFilesOfLoop = 5;
constexpr std::size_t kKeptOpen = 512;
constexpr std::size_t kFilesOfConnection = 2;
constexpr std::size_t kFew = 4096;
constexpr std::size_t kLeastConnections = 4;

}  // namespace

void prepare_process() {
  // Two arenas are enough for loops and pools and keep freed memory from being scattered; large buffers go
  // back to the system as soon as they are freed.
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 128 << 10);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 20);
  raise_open_files();
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is then an error like a full disk
}

std::size_t connections_that_fit(const config::Settings& settings, std::size_t loops, Log& log) {
  const std::size_t wanted = settings.http.connections;
  const std::size_t files = open_files();
  const std::size_t own =
      kOwnFiles + kFilesOfLoop * loops + std::min(kKeptOpen, 2 * may_keep_open(kKeptOpen));
  const std::size_t fit = std::max(files > own ? (files - own) / kFilesOfConnection : 0, kLeastConnections);
  if (fit >= wanted) return wanted;
  // With thousands there is nothing to do for most.
  log.log(fit < kFew ? LogLevel::warning : LogLevel::info,
          "the limit of open files has room for fewer connections than http.connections says; raise it "
          "(LimitNOFILE=, ulimit -n)",
          {{"open_files", files},
           {"connections", fit},
           {"http.connections", wanted},
           {"needed", own + kFilesOfConnection * wanted}});
  return fit;
}

StopSignal::StopSignal(std::chrono::milliseconds longest) : longest_(longest) {
  ::sigemptyset(&signals_);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals_, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  listens_ = std::jthread([this](const std::stop_token& stop) { listen(stop); });
}

StopSignal::~StopSignal() {
  listens_.request_stop();
  ::pthread_kill(listens_.native_handle(), SIGHUP);  // which it waits for as well
  listens_.join();
}

void StopSignal::serving() {
  const std::lock_guard lock(mutex_);
  serving_ = true;
}

void StopSignal::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return said_; });
}

void StopSignal::listen(const std::stop_token& stop) {
  int signal = 0;
  do {
    if (::sigwait(&signals_, &signal) != 0) signal = SIGHUP;
    if (stop.stop_requested()) return;
  } while (signal == SIGHUP);
  std::unique_lock lock(mutex_);
  if (!serving_) {
    ::signal(signal, SIG_DFL);
    ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
    ::raise(signal);
  }
  said_ = true;
  changed_.notify_all();
  changed_.wait_for(lock, stop, longest_, [] { return false; });
  // Somebody waits for what does not come: for a log that nobody reads, or a disk that hangs.
  if (!stop.stop_requested()) ::_exit(1);
}

}  // namespace bulkhead::app

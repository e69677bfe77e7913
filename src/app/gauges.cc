#include "app/gauges.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <string>

#include "async/fair_pool.h"
#include "async/lanes.h"
#include "async/offload.h"
#include "audit/journal.h"
#include "base/clock.h"
#include "base/version.h"
#include "blob/room.h"

namespace bulkhead::app {
namespace {

double seconds(Time at) { return static_cast<double>(to_micros(at)) / 1e6; }

double number(std::uint64_t value) { return static_cast<double>(value); }

double seconds(const ::timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
  ::rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// proc(5): pages, the second of the file's numbers.
double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  file >> size >> resident;
  return number(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

// Names as Prometheus's own clients have them.
void add_process(api::Metrics& metrics, const Clock& clock) {
  metrics.add("process_start_time_seconds", "gauge", "When the process began, in seconds since 1970.",
              [began = seconds(clock.now())] { return began; });
  metrics.add("process_cpu_seconds_total", "counter", "Processor time used.", cpu_seconds);
  metrics.add("process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes);
}

void add_connections(api::Metrics& metrics, const http::Counters& counters) {
  metrics.add("bulkhead_connections", "gauge", "Open client connections.",
              [&counters] { return number(counters.open); });
  metrics.add("bulkhead_connections_accepted_total", "counter", "Client connections accepted.",
              [&counters] { return number(counters.accepted); });
  metrics.add("bulkhead_connections_refused_total", "counter", "Client connections closed over a limit.",
              [&counters] { return number(counters.refused); });
}

void add_queues(api::Metrics& metrics, const api::Services& services) {
  metrics.add("bulkhead_offload_queue", "gauge", "Blocking work that waits for a thread.",
              [&services] { return number(services.work.queued()); });
  metrics.add("bulkhead_password_queue", "gauge", "Password checks that wait for a thread.",
              [&services] { return number(services.passwords.queued()); });
  const auto add = [&metrics](std::string_view to, async::LanePool& pool) {
    metrics.add(fmt::format("bulkhead_outbound_queue{{to=\"{}\"}}", to), "gauge",
                "Requests that wait for a thread to ask another server.",
                [&pool] { return number(pool.queued()); });
  };
  add("directories", services.directories);
  add("providers", services.providers);
  add("issuers", services.issuers);
}

void add_storage(api::Metrics& metrics, Installation& installation, const Measurements& measured) {
  const auto disk = [data = installation.settings().data,
                     reserve = installation.settings().storage.reserve_bytes] {
    return blob::room_for_blobs(data, reserve).value_or(blob::Room());
  };
  metrics.add("bulkhead_disk_free_bytes", "gauge", "Free on the disk of the blobs, for this process.",
              [disk] { return number(disk().free); });
  metrics.add("bulkhead_disk_size_bytes", "gauge", "Size of the disk of the blobs.",
              [disk] { return number(disk().total); });
  metrics.add("bulkhead_disk_reserve_bytes", "gauge", "Below so much free space pushes are refused.",
              [disk] { return number(disk().kept); });
  metrics.add("bulkhead_stored_bytes", "gauge", "Bytes that count for namespaces, staged ones included.",
              [&measured] { return number(measured.stored_bytes()); });
  metrics.add("bulkhead_staged_bytes", "gauge", "Bytes set aside for blobs on their way in.",
              [&measured] { return number(measured.staged_bytes()); });
  metrics.add("bulkhead_repositories", "gauge", "Repositories.",
              [&measured] { return number(measured.repositories()); });
  metrics.add("bulkhead_accounts", "gauge", "Accounts of people and robots, disabled ones included.",
              [&measured] { return number(measured.accounts()); });
  metrics.add("bulkhead_database_bytes", "gauge", "Size of the database.",
              [&measured] { return number(measured.database_bytes()); });
  metrics.add("bulkhead_journal_bytes", "gauge", "Size of the journal.",
              [&measured] { return number(measured.journal_bytes()); });
  metrics.add("bulkhead_uploads", "gauge", "Unfinished upload sessions.",
              [&installation] { return number(installation.uploads().count()); });
  metrics.add("bulkhead_journal_lost_total", "counter", "Observations that could not be journaled.",
              [&installation] { return number(installation.journal().failed_appends()); });
  metrics.add("bulkhead_journal_removed_segments_total", "counter",
              "Journal segments removed to stay in budget.",
              [&installation] { return number(installation.journal().removed_segments()); });
}

void add_credentials(api::Metrics& metrics, Installation& installation, const net::TlsContext* tls) {
  for (const crypto::KeyPurpose purpose : crypto::key_purposes())
    metrics.add(fmt::format("bulkhead_key_created_seconds{{purpose=\"{}\"}}", name(purpose)), "gauge",
                "When the key in use was made, in seconds since 1970.", [&installation, purpose] {
                  return seconds(installation.keyring().current(purpose).created_at);
                });
  if (tls == nullptr) return;
  metrics.add("bulkhead_certificate_not_after_seconds", "gauge",
              "When the certificate in use ends, in seconds since 1970.",
              [tls] { return seconds(tls->certificate().not_after); });
}

}  // namespace

void add_gauges(api::Metrics& metrics, const Gauged& what) {
  metrics.add(fmt::format("bulkhead_build_info{{version=\"{}\",database=\"{}\"}}", version(),
                          what.installation.database().engine()),
              "gauge", "Always 1; its labels say what runs.", [] { return 1.0; });
  add_process(metrics, what.installation.clock());
  add_connections(metrics, what.server.counters());
  add_queues(metrics, what.services);
  add_storage(metrics, what.installation, what.measurements);
  add_credentials(metrics, what.installation, what.tls);
  metrics.add("bulkhead_outbound_failures_total{to=\"https\"}", "counter",
              "Questions to other servers that were not answered.",
              [&what = what.installation] { return number(what.fetcher().failures()); });
  metrics.add("bulkhead_outbound_failures_total{to=\"ldap\"}", "counter", "",
              [&what = what.installation] { return number(what.ldap().failures()); });
}

}  // namespace bulkhead::app

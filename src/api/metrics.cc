#include "api/metrics.h"

#include <fmt/format.h>

#include <algorithm>

namespace bulkhead::api {
namespace {

constexpr std::string_view kRoutes[] = {
    "base",  "catalog",    "manifest", "blob", "upload_start", "upload", "tags",    "referrers",
    "token", "management", "login",    "home", "health",       "ready",  "metrics", "other"};

}  // namespace

Metrics::Metrics() : routes_(std::begin(kRoutes), std::end(kRoutes)), counts_(routes_.size()) {}

void Metrics::observe(std::string_view route, unsigned status, std::chrono::nanoseconds took,
                      std::uint64_t sent, std::uint64_t received) {
  const auto found = std::ranges::find(routes_, route);
  PerRoute& counts = counts_[found == routes_.end() ? counts_.size() - 1
                                                    : static_cast<std::size_t>(found - routes_.begin())];
  const double seconds = std::chrono::duration<double>(took).count();
  const auto bucket = std::ranges::lower_bound(kBounds, seconds) - kBounds.begin();
  counts.buckets[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  counts.nanoseconds.fetch_add(static_cast<std::uint64_t>(took.count()), std::memory_order_relaxed);
  counts.classes[std::min(status / 100, 5u)].fetch_add(1, std::memory_order_relaxed);
  sent_.fetch_add(sent, std::memory_order_relaxed);
  received_.fetch_add(received, std::memory_order_relaxed);
}

void Metrics::add(std::string_view name, std::string_view type, std::string_view help,
                  std::function<double()> read) {
  reads_.push_back({std::string(name), std::string(type), std::string(help), std::move(read)});
}

std::string Metrics::render() const {
  // fmt has the formatting into its own buffer compiled; into a string, it would be compiled here.
  fmt::memory_buffer out;
  const auto to = std::back_inserter(out);
  out.append(std::string_view(
      "# HELP bulkhead_http_request_duration_seconds Time from a request's head to the end of its answer.\n"
      "# TYPE bulkhead_http_request_duration_seconds histogram\n"));
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    std::uint64_t total = 0;
    for (std::size_t b = 0; b < kBounds.size(); ++b) {
      total += counts_[i].buckets[b].load(std::memory_order_relaxed);
      fmt::format_to(to, "bulkhead_http_request_duration_seconds_bucket{{route=\"{}\",le=\"{}\"}} {}\n",
                     routes_[i], kBounds[b], total);
    }
    total += counts_[i].buckets.back().load(std::memory_order_relaxed);
    fmt::format_to(to,
                   "bulkhead_http_request_duration_seconds_bucket{{route=\"{0}\",le=\"+Inf\"}} {1}\n"
                   "bulkhead_http_request_duration_seconds_sum{{route=\"{0}\"}} {2:.9f}\n"
                   "bulkhead_http_request_duration_seconds_count{{route=\"{0}\"}} {1}\n",
                   routes_[i], total,
                   static_cast<double>(counts_[i].nanoseconds.load(std::memory_order_relaxed)) / 1e9);
  }
  out.append(
      std::string_view("# HELP bulkhead_http_requests_total Answers by route and status class.\n"
                       "# TYPE bulkhead_http_requests_total counter\n"));
  for (std::size_t i = 0; i < routes_.size(); ++i)
    for (std::size_t c = 2; c <= 5; ++c)
      fmt::format_to(to, "bulkhead_http_requests_total{{route=\"{}\",status=\"{}xx\"}} {}\n", routes_[i], c,
                     counts_[i].classes[c].load(std::memory_order_relaxed));
  fmt::format_to(to,
                 "# HELP bulkhead_http_sent_bytes_total Bytes of answers.\n"
                 "# TYPE bulkhead_http_sent_bytes_total counter\n"
                 "bulkhead_http_sent_bytes_total {}\n"
                 "# HELP bulkhead_http_received_bytes_total Bytes of request bodies.\n"
                 "# TYPE bulkhead_http_received_bytes_total counter\n"
                 "bulkhead_http_received_bytes_total {}\n",
                 sent_.load(std::memory_order_relaxed), received_.load(std::memory_order_relaxed));
  std::string_view family;
  for (const Read& read : reads_) {
    const std::string_view name = std::string_view(read.name).substr(0, read.name.find('{'));
    if (name != family) fmt::format_to(to, "# HELP {0} {1}\n# TYPE {0} {2}\n", name, read.help, read.type);
    family = name;
    fmt::format_to(to, "{} {:.17g}\n", read.name, read.value());
  }
  return fmt::to_string(out);
}

}  // namespace bulkhead::api

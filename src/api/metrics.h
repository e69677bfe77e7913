// Prometheus metrics in the text exposition format (version 0.0.4): latency histograms by route, answers by
// route and status class, bytes, and gauges that are read when asked for. Counting is a few relaxed atomic
// additions.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::api {

// Thread-safe.
class Metrics {
 public:
  Metrics();

  void observe(std::string_view route, unsigned status, std::chrono::nanoseconds took, std::uint64_t sent,
               std::uint64_t received);
  // A value read at each scrape. `type` is "gauge" or "counter"; `name` may have labels, as in
  // "bulkhead_logins_total{outcome=\"refused\"}": those of one family are added one after the other, and the
  // first one's help is all of theirs. Before the server starts.
  void add(std::string_view name, std::string_view type, std::string_view help, std::function<double()> read);
  std::string render() const;

 private:
  // Upper bounds in seconds; from a cached manifest to a large upload.
  static constexpr std::array kBounds = {0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                         0.05,    0.1,    0.25,    0.5,    1.0,   2.5,    10.0,  60.0, 600.0};
  struct PerRoute {
    std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> buckets{};
    std::atomic<std::uint64_t> nanoseconds{0};
    std::array<std::atomic<std::uint64_t>, 6> classes{};  // by status / 100
  };
  struct Read {
    std::string name;
    std::string type;
    std::string help;
    std::function<double()> value;
  };

  std::vector<std::string_view> routes_;
  std::vector<PerRoute> counts_;
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> received_{0};
  std::vector<Read> reads_;
};

}  // namespace bulkhead::api

// What became of what clients came for: counts of pulls, pushes, log-ins and refusals, told by the answers
// that were given. Counting is one relaxed atomic addition. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "api/metrics.h"
#include "http/request.h"

namespace bulkhead::api {

class Outcomes {
 public:
  // An answer on `route` (route.h), below which `path` was asked for; `account`: whoever it was given to.
  void observe(std::string_view route, http::Method method, std::string_view path, unsigned status,
               std::string_view account);
  // This must outlive `metrics`.
  void add_to(Metrics& metrics) const;

 private:
  enum class Kind : std::uint8_t { pull, push, denial, logged_in, login_refused, login_limited, last };
  void count(Kind kind) { counts_[static_cast<std::size_t>(kind)].fetch_add(1, std::memory_order_relaxed); }
  void count_login(unsigned status, bool let_in);

  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Kind::last)> counts_{};
};

}  // namespace bulkhead::api

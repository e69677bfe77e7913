// The time of day, behind an interface so that expiry can be tested without waiting.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace bulkhead {

// UTC, to the microsecond; what the database and the journal store as an integer.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override;
};

inline std::int64_t to_micros(Time time) { return time.time_since_epoch().count(); }
inline Time from_micros(std::int64_t micros) { return Time{std::chrono::microseconds{micros}}; }

// RFC 3339 in UTC with microseconds: 2026-01-31T08:15:00.123456Z.
std::string to_rfc3339(Time time);

}  // namespace bulkhead

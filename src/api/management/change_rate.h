// How many changes each account makes: every one leaves evidence that stays, and a fast program would fill
// the disk with its own. A bucket of an hour's changes that fills evenly (the generic cell rate algorithm of
// ITU-T I.371, annex A). In memory only; kept for those alone who have made changes within the hour.
// Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace bulkhead::api::management {

class ChangeRate {
 public:
  explicit ChangeRate(std::uint32_t per_hour);

  // Counts one change of `whose`; or none, when they have had theirs: then how long until the next.
  std::optional<std::chrono::seconds> take(std::string_view whose, Time now);

  std::size_t size() const;

 private:
  void forget_before(Time now);

  const Time::duration each_;
  mutable std::mutex mutex_;
  // When the bucket will be full again. Ordered, because names are what strangers choose.
  std::map<std::string, Time, std::less<>> full_at_;
  std::size_t look_at_;  // how many there may be before the full ones are looked for
};

}  // namespace bulkhead::api::management

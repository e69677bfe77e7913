// The networks that accounts logged in from, in the database: what GuessLimiter knows of them in memory
// begins there when the process does. Of a subject the last few are kept, and none for longer than it counts.
//
// Calls block. Thread-safe. Internal to login/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "db/database.h"
#include "identity/secrets/guess_limiter.h"

namespace bulkhead::identity {

class KnownNetworks {
 public:
  // The database must outlive this.
  KnownNetworks(db::Database& database, const GuessLimits& limits) : database_(database), limits_(limits) {}

  struct Known {
    std::string subject;
    std::string network;  // base/subscriber_network.h: network_of()
    Time at{};
  };
  // Those of the last while, and where live sessions were started; the oldest first.
  Result<std::vector<Known>> load(Time now);
  Result<void> note(std::int64_t account_id, std::string_view subject, std::string_view network, Time now);
  Result<void> forget(std::string_view subject);

 private:
  db::Database& database_;
  const GuessLimits limits_;
};

}  // namespace bulkhead::identity

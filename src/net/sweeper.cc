#include "net/sweeper.h"

namespace bulkhead::net {

Sweeper::Sweeper(boost::asio::io_context& context) : timer_(context) { arm(); }

void Sweeper::arm() {
  timer_.expires_after(kPeriod);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    sweep();
    arm();
  });
}

void Sweeper::sweep() {
  const Instant now = std::chrono::steady_clock::now();
  for (Timed& timed : all_) {
    if (timed.deadline_ > now) continue;
    timed.clear_deadline();
    timed.expire();
  }
}

}  // namespace bulkhead::net

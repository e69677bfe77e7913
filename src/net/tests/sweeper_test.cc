#include "net/sweeper.h"

#include <gtest/gtest.h>

#include <memory>

namespace bulkhead::net {
namespace {

using namespace std::chrono_literals;

class Alarm final : public Timed {
 public:
  int times = 0;

 private:
  void expire() override { ++times; }
};

Instant in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

TEST(Sweeper, ExpiresWhatIsDueAndNothingElse) {
  boost::asio::io_context io;
  Sweeper sweeper(io);
  Alarm due;
  Alarm later;
  Alarm cleared;
  Alarm none;
  for (Alarm* alarm : {&due, &later, &cleared, &none}) sweeper.add(*alarm);
  due.set_deadline(in(10ms));
  later.set_deadline(in(1h));
  cleared.set_deadline(in(10ms));
  cleared.clear_deadline();
  io.run_for(Sweeper::kPeriod + 300ms);
  EXPECT_EQ(due.times, 1);
  EXPECT_EQ(later.times, 0);
  EXPECT_EQ(cleared.times, 0);
  EXPECT_EQ(none.times, 0);
}

TEST(Sweeper, ExpiresOnceUntilSetAgain) {
  boost::asio::io_context io;
  Sweeper sweeper(io);
  Alarm alarm;
  sweeper.add(alarm);
  alarm.set_deadline(in(0ms));
  io.run_for(3 * Sweeper::kPeriod);
  EXPECT_EQ(alarm.times, 1);
  alarm.set_deadline(in(0ms));
  io.run_for(2 * Sweeper::kPeriod);
  EXPECT_EQ(alarm.times, 2);
}

TEST(Sweeper, ForgetsWhatIsDestroyed) {
  boost::asio::io_context io;
  Sweeper sweeper(io);
  auto gone = std::make_unique<Alarm>();
  Alarm stays;
  sweeper.add(*gone);
  sweeper.add(stays);
  gone->set_deadline(in(0ms));
  stays.set_deadline(in(0ms));
  gone.reset();
  io.run_for(2 * Sweeper::kPeriod);
  EXPECT_EQ(stays.times, 1);
}

TEST(Sweeper, MayGoBeforeWhatItWatches) {
  boost::asio::io_context io;
  Alarm alarm;
  {
    Sweeper sweeper(io);
    sweeper.add(alarm);
  }
  EXPECT_FALSE(alarm.is_linked());
}

}  // namespace
}  // namespace bulkhead::net

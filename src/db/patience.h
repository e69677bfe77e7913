// How long anybody waits for a database's server, and when it is not worth waiting. Internal to db.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

namespace bulkhead::db {

// Thread-safe.
class Patience {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  explicit Patience(std::chrono::milliseconds limit) : limit_(limit) {}

  // Of a connection, a lock and a statement, kept by the server itself.
  std::chrono::milliseconds limit() const { return limit_; }
  // When an answer to what is asked now is given up. A server that works says first that its limit is over.
  Moment deadline() const { return std::chrono::steady_clock::now() + limit_ + kGrace; }

  // No wait goes beyond this, not even one without a deadline.
  Moment last() const { return last_.load(); }
  void end_by(Moment moment) { last_.store(moment); }

  // After somebody has waited in vain only one goes and sees whether the server answers again; for the others
  // this is false meanwhile, lest they all wait.
  bool may_ask() {
    Moment next = ask_again_.load();
    const Moment now = std::chrono::steady_clock::now();
    if (next == Moment::min()) return true;
    return now >= next && ask_again_.compare_exchange_strong(next, now + limit_ + kGrace);
  }
  // What the connections have seen. A quick refusal is an answer: nobody waits for those.
  void was_silent() { ask_again_.store(std::chrono::steady_clock::now() + kPause); }
  void answered() {
    if (ask_again_.load() != Moment::min()) ask_again_.store(Moment::min());
  }

 private:
  static constexpr std::chrono::seconds kGrace{2};
  static constexpr std::chrono::seconds kPause{1};

  const std::chrono::milliseconds limit_;
  std::atomic<Moment> last_{Moment::max()};
  std::atomic<Moment> ask_again_{Moment::min()};
};

}  // namespace bulkhead::db

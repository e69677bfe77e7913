// Deadlines by the thousand for almost nothing: setting one is an assignment, and a single timer on each
// event loop looks at all of them twice a second. Timeouts are therefore late by up to kPeriod. One thread
// only: the loop's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>

namespace bulkhead::net {

using Instant = std::chrono::steady_clock::time_point;

class Sweeper;

class Timed
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  void set_deadline(Instant deadline) { deadline_ = deadline; }
  void clear_deadline() { deadline_ = Instant::max(); }

 protected:
  virtual ~Timed() = default;
  // Called once when the deadline has passed; the deadline is then cleared. Must not destroy the object.
  virtual void expire() = 0;

 private:
  friend class Sweeper;
  Instant deadline_ = Instant::max();
};

class Sweeper {
 public:
  static constexpr std::chrono::milliseconds kPeriod{500};

  explicit Sweeper(boost::asio::io_context& context);

  void add(Timed& timed) { all_.push_back(timed); }

 private:
  void arm();
  void sweep();

  boost::asio::steady_timer timer_;
  boost::intrusive::list<Timed, boost::intrusive::constant_time_size<false>> all_;
};

}  // namespace bulkhead::net

// A bounded set of connections, opened when first needed and lent to one thread at a time. Internal to db.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/error.h"

namespace bulkhead::db {

// Thread-safe. Must outlive its leases.
template <class T>
class Pool {
 public:
  using Open = std::function<Result<std::unique_ptr<T>>()>;
  using Deadline = std::chrono::steady_clock::time_point;

  // Gives the connection back when it goes.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<T> connection, std::uint64_t era)
        : pool_(&pool), connection_(std::move(connection)), era_(era) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_) pool_->give_back(std::move(connection_), era_);
    }

    T& operator*() const { return *connection_; }
    T* operator->() const { return connection_.get(); }

    // Closes the connection, and every idle one with it: what broke this one is likely to have broken them.
    void discard() {
      connection_.reset();
      pool_->drop_broken();
    }

   private:
    Pool* pool_;
    std::unique_ptr<T> connection_;
    std::uint64_t era_;
  };

  Pool(std::size_t limit, Open open) : limit_(limit), open_(std::move(open)) {}

  // The most recently used idle connection, or a new one. When all are lent until the deadline,
  // Errc::unavailable. When one cannot be opened, one of those that are lent is waited for, as a server may
  // give no more than these; the reason when there is none, or none comes back in time.
  Result<Lease> acquire(Deadline deadline) {
    std::unique_lock lock(mutex_);
    const bool free = returned_.wait_until(lock, deadline, [&] { return !idle_.empty() || lent_ < limit_; });
    if (!free) {
      return Error{Errc::unavailable, "every database connection is busy; try again, or allow more of them"};
    }
    ++lent_;
    for (;;) {
      if (!idle_.empty()) {
        std::unique_ptr<T> connection = std::move(idle_.back());
        idle_.pop_back();
        return Lease(*this, std::move(connection), era_);
      }
      const std::uint64_t era = era_;
      lock.unlock();
      Result<std::unique_ptr<T>> opened = open_();
      if (opened) return Lease(*this, std::move(*opened), era);
      lock.lock();
      // Those that cannot open one, either, are no hope.
      ++in_vain_;
      returned_.notify_all();
      const bool returned = returned_.wait_until(lock, deadline, [&] {
        return !idle_.empty() || lent_ <= in_vain_;
      }) && !idle_.empty();
      --in_vain_;
      if (returned) continue;
      --lent_;
      returned_.notify_all();
      return opened.error();
    }
  }

  // Closes what is idle now, and what is lent when it comes back.
  void close_all() {
    std::vector<std::unique_ptr<T>> closing;  // outside the lock
    const std::lock_guard lock(mutex_);
    ++era_;
    closing.swap(idle_);
  }

  // Closes what is idle; whether there is something that a server could give to somebody else, now or soon.
  bool make_room() {
    std::vector<std::unique_ptr<T>> closing;
    const std::lock_guard lock(mutex_);
    closing.swap(idle_);
    return !closing.empty() || lent_ > in_vain_;
  }

 private:
  void give_back(std::unique_ptr<T> connection, std::uint64_t era) {
    std::unique_lock lock(mutex_);
    --lent_;
    if (era == era_) idle_.push_back(std::move(connection));
    returned_.notify_all();
    lock.unlock();
    connection.reset();
  }

  void drop_broken() {
    std::vector<std::unique_ptr<T>> closing;  // outside the lock
    const std::lock_guard lock(mutex_);
    --lent_;
    closing.swap(idle_);
    returned_.notify_all();
  }

  const std::size_t limit_;
  const Open open_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::size_t lent_ = 0;
  std::size_t in_vain_ = 0;  // of those, who could not open one and wait
  std::uint64_t era_ = 0;    // connections of an earlier one are closed when they come back
  std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace bulkhead::db

// A bounded set of connections, opened when first needed and lent to one thread at a time. Internal to db.
#pragma once

#include <chrono>
#include <condition_variable>
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
    Lease(Pool& pool, std::unique_ptr<T> connection) : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_) pool_->give_back(std::move(connection_));
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
  };

  Pool(std::size_t limit, Open open) : limit_(limit), open_(std::move(open)) {}

  // The most recently used idle connection, or a new one. When all are lent until the deadline,
  // Errc::unavailable; when one cannot be opened, the reason.
  Result<Lease> acquire(Deadline deadline) {
    std::unique_lock lock(mutex_);
    const bool free = returned_.wait_until(lock, deadline, [&] { return !idle_.empty() || lent_ < limit_; });
    if (!free) {
      return Error{Errc::unavailable, "every database connection is busy; try again, or allow more of them"};
    }
    ++lent_;
    if (!idle_.empty()) {
      std::unique_ptr<T> connection = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(connection));
    }
    lock.unlock();
    Result<std::unique_ptr<T>> opened = open_();
    if (!opened) {
      lock.lock();
      --lent_;
      returned_.notify_one();
      return opened.error();
    }
    return Lease(*this, std::move(*opened));
  }

 private:
  void give_back(std::unique_ptr<T> connection) {
    const std::lock_guard lock(mutex_);
    --lent_;
    idle_.push_back(std::move(connection));
    returned_.notify_one();
  }

  void drop_broken() {
    std::vector<std::unique_ptr<T>> closing;  // outside the lock
    const std::lock_guard lock(mutex_);
    --lent_;
    closing.swap(idle_);
    returned_.notify_one();
  }

  const std::size_t limit_;
  const Open open_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::size_t lent_ = 0;
  std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace bulkhead::db

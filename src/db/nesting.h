// Notices a read() or write() inside another's callback: it would wait for a connection that its own thread
// holds, or not see what its own transaction has written. Internal to db.
#pragma once

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.h"

namespace bulkhead::db {

// Thread-safe.
class Nesting {
 public:
  // This thread is inside a transaction while the scope lives.
  class Scope {
   public:
    explicit Scope(Nesting& nesting) : nesting_(&nesting) {}
    Scope(Scope&& other) noexcept : nesting_(std::exchange(other.nesting_, nullptr)) {}
    Scope& operator=(Scope&&) = delete;
    ~Scope() {
      if (nesting_) nesting_->leave();
    }

   private:
    Nesting* nesting_;
  };

  Result<Scope> enter() {
    const std::lock_guard lock(mutex_);
    const std::thread::id self = std::this_thread::get_id();
    if (std::find(inside_.begin(), inside_.end(), self) != inside_.end()) {
      return Error{Errc::internal,
                   "a database transaction was begun inside another's callback; use its session"};
    }
    inside_.push_back(self);
    return Scope(*this);
  }

 private:
  void leave() {
    const std::lock_guard lock(mutex_);
    std::erase(inside_, std::this_thread::get_id());
  }

  std::mutex mutex_;
  std::vector<std::thread::id> inside_;
};

}  // namespace bulkhead::db

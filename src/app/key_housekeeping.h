// What the running server does about its keys: takes in what other processes changed, finishes rotations that
// were interrupted, and lets go of old versions that nothing needs.
#pragma once

#include <chrono>
#include <cstdint>

#include "app/installation.h"

namespace bulkhead::app {

// Not synchronised: one thread calls work(), about once a second. The installation must outlive it.
class KeyHousekeeping {
 public:
  explicit KeyHousekeeping(Installation& installation) : installation_(installation) {}

  // Takes a fraction of a second at most, but for the hourly look at what is needed.
  void work();

 private:
  void take_in_changes();
  void compare();
  void reseal();
  void tidy();

  Installation& installation_;
  // The version that the last finished pass brought everything under; 0 before the first look.
  std::uint32_t finished_for_ = 0;
  identity::ResealCursor at_;
  bool passing_ = false;
  std::int64_t changed_ = 0;
  std::chrono::steady_clock::time_point next_try_{};
  std::chrono::steady_clock::time_point next_tidying_ =
      std::chrono::steady_clock::now() + std::chrono::minutes(1);
};

}  // namespace bulkhead::app

// The bytes of a key, in memory of their own: kept out of swap where the system allows it, out of core files
// always, between guard pages, read-only once filled, wiped when they go. The only way out is reveal().
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

namespace bulkhead::crypto {

// Move-only; what reveal() gave stays valid through moves, until the last owner goes. Each one that is not
// empty takes a few pages of address space, one of them locked: for keys, not for data. Throws std::bad_alloc
// when there is no memory. Not synchronised.
class LockedBytes {
 public:
  LockedBytes() = default;
  // Copies; wiping the source is the caller's.
  explicit LockedBytes(std::string_view bytes);
  static LockedBytes random(std::size_t count);

  LockedBytes(LockedBytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        locked_(std::exchange(other.locked_, true)) {}
  LockedBytes& operator=(LockedBytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(locked_, other.locked_);
    return *this;
  }
  LockedBytes(const LockedBytes&) = delete;
  LockedBytes& operator=(const LockedBytes&) = delete;
  ~LockedBytes();

  std::string_view reveal() const { return {data_, size_}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // False when RLIMIT_MEMLOCK did not allow it: the bytes may reach the swap.
  bool locked() const { return locked_; }

 private:
  // Filled by the caller, then sealed against writing.
  static LockedBytes allocate(std::size_t count);
  void protect();

  char* data_ = nullptr;
  std::size_t size_ = 0;
  bool locked_ = true;
};

}  // namespace bulkhead::crypto

#include "crypto/locked_bytes.h"

#include <sodium.h>
#include <sys/mman.h>

#include <cstring>
#include <new>
#include <stdexcept>

namespace bulkhead::crypto {

LockedBytes LockedBytes::allocate(std::size_t count) {
  LockedBytes bytes;
  if (count == 0) return bytes;
  if (sodium_init() < 0) throw std::runtime_error("cannot initialise libsodium");
  bytes.data_ = static_cast<char*>(sodium_malloc(count));
  if (bytes.data_ == nullptr) throw std::bad_alloc();
  bytes.size_ = count;
  // sodium_malloc() has tried to lock it and does not say whether it could; doing it again costs nothing.
  bytes.locked_ = ::mlock(bytes.data_, count) == 0;
  return bytes;
}

void LockedBytes::protect() {
  if (data_ != nullptr) sodium_mprotect_readonly(data_);
}

LockedBytes::LockedBytes(std::string_view bytes) : LockedBytes(allocate(bytes.size())) {
  if (!bytes.empty()) std::memcpy(data_, bytes.data(), bytes.size());
  protect();
}

LockedBytes LockedBytes::random(std::size_t count) {
  LockedBytes bytes = allocate(count);
  if (count > 0) randombytes_buf(bytes.data_, count);
  bytes.protect();
  return bytes;
}

LockedBytes::~LockedBytes() {
  if (data_ != nullptr) sodium_free(data_);  // wipes
}

}  // namespace bulkhead::crypto

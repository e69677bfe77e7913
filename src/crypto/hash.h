// Hashing and message authentication over OpenSSL 3, which uses the CPU's SHA extensions, and random bytes.
// Failures here mean that the library or the machine is broken: they throw.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace bulkhead::crypto {

enum class HashAlgorithm { sha256, sha512 };

// A streaming hash. Not synchronised; movable.
class Hasher {
 public:
  explicit Hasher(HashAlgorithm algorithm);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  HashAlgorithm algorithm() const { return algorithm_; }
  void update(Bytes bytes);
  // The hash of what was added so far; more may be added after it.
  std::string current() const;

 private:
  struct Free {
    void operator()(void* context) const;
  };
  HashAlgorithm algorithm_;
  std::unique_ptr<void, Free> context_;
};

std::string hash(HashAlgorithm algorithm, Bytes bytes);
std::array<std::byte, 32> hmac_sha256(Bytes key, Bytes message);
bool equal_in_constant_time(Bytes left, Bytes right);

std::string random_bytes(std::size_t count);
// `count` characters of 0-9A-Za-z, each unbiased.
std::string random_base62(std::size_t count);

}  // namespace bulkhead::crypto

// Seals under one key that is never written; for tests of what holds sealed values.
#pragma once

#include "crypto/sealing.h"

namespace bulkhead::crypto {

class EphemeralSealer final : public Sealer {
 public:
  Result<std::string> seal(const SealContext& where, const Secret<>& plain) override {
    return seal_value(key_, where, plain);
  }
  Result<Secret<>> open(const SealContext& where, std::string_view sealed) override {
    return open_value(key_, where, sealed);
  }

 private:
  DataKey key_{1, LockedBytes::random(32)};
};

}  // namespace bulkhead::crypto

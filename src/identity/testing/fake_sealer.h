// Sealing that tests can look through: as bound to its place as the real one, and as unreadable at a glance,
// but under a key that is written here. Holds values of up to 32 bytes.
#pragma once

#include <functional>
#include <string>

#include "crypto/sealer.h"

namespace bulkhead::identity::testing {

class FakeSealer final : public crypto::Sealer {
 public:
  Result<std::string> seal(const crypto::SealContext& where, const Secret<>& plain) override;
  Result<Secret<>> open(const crypto::SealContext& where, std::string_view sealed) override;

  // Called before each open(), as another server's change may come.
  std::function<void()> before_open;
};

}  // namespace bulkhead::identity::testing

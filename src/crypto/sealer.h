// Secrets that must be readable again, such as TOTP seeds: sealed with XChaCha20-Poly1305 under data keys and
// bound to the place where they are stored, so that a value moved to another table, row or column does not
// open. Stored form: docs/formats/sealing.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::crypto {

// Where a sealed value is stored. `row` is what identifies it among the rows of its table and is never given
// to another row.
struct SealContext {
  std::string_view table;
  std::int64_t row;
  std::string_view column;
};

// Thread-safe.
class Sealer {
 public:
  virtual ~Sealer() = default;

  // ASCII without spaces, about 4/3 of the plain bytes and 60 more. May block once (a data key is read or
  // made); never call it inside a database callback's transaction that could be the one it waits for.
  // Errc::too_large for more than 64 KiB.
  virtual Result<std::string> seal(const SealContext& where, const Secret<>& plain) = 0;

  // Errc::corrupt when the value is not one that was sealed for this place, and when its key is gone. May
  // block as seal() does.
  virtual Result<Secret<>> open(const SealContext& where, std::string_view sealed) = 0;
};

}  // namespace bulkhead::crypto

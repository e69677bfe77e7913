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

// Where a sealed value is stored: the table and the column as the schema names them, and the row's integer
// primary key. A rotation seals values anew by what the schema says, so any other context is lost to it.
struct SealContext {
  std::string_view table;
  std::int64_t row;
  std::string_view column;
};

// Thread-safe.
class Sealer {
 public:
  virtual ~Sealer() = default;

  // ASCII, about 4/3 of the plain bytes and 80 more. Does not block: may be called inside a transaction, once
  // the row has its id. Errc::too_large for more than 64 KiB.
  virtual Result<std::string> seal(const SealContext& where, const Secret<>& plain) = 0;

  // Errc::corrupt when the value is not one that was sealed for this place, and when its key is gone: whoever
  // it belongs to has to enter it again. Reads the database only for a value that another process has sealed
  // under a key it has just made.
  virtual Result<Secret<>> open(const SealContext& where, std::string_view sealed) = 0;
};

}  // namespace bulkhead::crypto

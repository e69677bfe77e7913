// What a Sealer does once it has its data key, and how data keys themselves are stored: wrapped by a
// key-encryption key of the keyring. No I/O. Stored forms: docs/formats/sealing.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "crypto/keyring.h"
#include "crypto/locked_bytes.h"
#include "crypto/sealer.h"

namespace bulkhead::crypto {

inline constexpr std::size_t kMaxSealedPlainBytes = 64 * 1024;

struct DataKey {
  std::int64_t id = 0;  // positive
  LockedBytes bytes;    // 32
};

// Errc::too_large over kMaxSealedPlainBytes.
Result<std::string> seal_value(const DataKey& key, const SealContext& where, const Secret<>& plain);

// Under which data key a value was sealed; nothing for what is no sealed value.
std::optional<std::int64_t> data_key_of(std::string_view sealed);

// Errc::corrupt, with the place named, when it was not sealed with this key for this place.
Result<Secret<>> open_value(const DataKey& key, const SealContext& where, std::string_view sealed);

// `wrapping` is a key of KeyPurpose::key_encryption; its version is stored beside the result.
std::string wrap_data_key(const Key& wrapping, const DataKey& key);
// Nothing when it was not wrapped with that key for that id.
std::optional<DataKey> unwrap_data_key(const Key& wrapping, std::int64_t id, std::string_view wrapped);

// "table.column of row N", for messages.
std::string describe(const SealContext& where);

}  // namespace bulkhead::crypto

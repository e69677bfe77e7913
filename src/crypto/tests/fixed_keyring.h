// A keyring whose keys a test knows: every purpose gets these versions, key N being 32 bytes from the given
// text.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "base/testing/temporary_directory.h"
#include "crypto/keyring.h"

namespace bulkhead::crypto {

// 00 01 02 … 1f.
inline std::string counting_key() {
  std::string key;
  for (char c = 0; c < 32; ++c) key.push_back(c);
  return key;
}

inline Keyring fixed_keyring(std::initializer_list<std::pair<int, std::string>> keys) {
  const TemporaryDirectory temporary;
  const auto directory = temporary.path() / "keys";
  std::string text;
  for (const auto& [version, bytes] : keys)
    text += std::to_string(version) + " " + to_hex(as_bytes(bytes)) + " 2026-01-31T08:15:00.000000Z\n";
  auto made = make_directories(directory);
  for (const auto purpose : key_purposes()) {
    if (made) made = replace_file(directory / (std::string(name(purpose)) + ".keys"), as_bytes(text));
  }
  auto keyring = Keyring::open(directory);
  if (!keyring) throw std::runtime_error(keyring.error().message);
  return std::move(*keyring);
}

}  // namespace bulkhead::crypto

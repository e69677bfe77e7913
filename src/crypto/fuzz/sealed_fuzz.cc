// Sealed values and wrapped keys come from the database, which somebody else may have written to. For any
// input: nothing opens that was not sealed, what was sealed opens in its place, and one altered byte of it
// does not.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "crypto/key_file.h"
#include "crypto/sealing.h"

namespace {

using namespace bulkhead;

void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const crypto::DataKey key{7, crypto::LockedBytes::random(32)};
  static const crypto::Keyring keyring = crypto::Keyring::ephemeral();
  constexpr crypto::SealContext kWhere{"totp", 42, "sealed"};
  const std::string_view input(reinterpret_cast<const char*>(data), size);

  // The keys are new in each process: no input can have been sealed with them.
  require(!crypto::open_value(key, kWhere, input));
  require(!crypto::unwrap_data_key(keyring.current(crypto::KeyPurpose::key_encryption), 7, input));

  const auto file = crypto::parse_key_file(input, crypto::KeyPurpose::token_hash, &key.bytes, "fuzzed");
  if (file)
    require(crypto::render_key_file(file->keys, crypto::KeyPurpose::token_hash, nullptr).reveal() == input);

  auto sealed = crypto::seal_value(key, kWhere, Secret<>(std::string(input)));
  require(sealed.has_value() == (size <= crypto::kMaxSealedPlainBytes));
  if (!sealed) return 0;
  const auto opened = crypto::open_value(key, kWhere, *sealed);
  require(opened && opened->reveal() == input);
  if (size < 3) return 0;
  const std::size_t position = (data[0] << 8 | data[1]) % sealed->size();
  (*sealed)[position] = static_cast<char>((*sealed)[position] ^ (data[2] == 0 ? 1 : data[2]));
  require(!crypto::open_value(key, kWhere, *sealed));
  return 0;
}

// Bytes from an Authorization header reach verify_jwt() before anyone is known. Three promises hold for any
// input: nothing but what was signed verifies, what was signed comes back, and one altered byte of it is
// refused.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "crypto/token.h"

using bulkhead::crypto::JwtLimits;
using bulkhead::crypto::KeyPurpose;
using bulkhead::crypto::Keyring;
using bulkhead::crypto::sign_jwt;
using bulkhead::crypto::verify_jwt;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Keyring keyring = Keyring::ephemeral();
  constexpr auto kPurpose = KeyPurpose::token_signing;
  const std::string_view input(reinterpret_cast<const char*>(data), size);

  // The keys are new in each process: no input can carry their MAC.
  require(!verify_jwt(keyring, kPurpose, input));

  std::string token = sign_jwt(keyring, kPurpose, input);
  const auto verified = verify_jwt(keyring, kPurpose, token);
  if (token.size() > JwtLimits{}.bytes) {
    require(!verified);
    return 0;
  }
  require(verified.has_value() && *verified == input);

  if (size < 3) return 0;
  const std::size_t position = (data[0] << 8 | data[1]) % token.size();
  token[position] = static_cast<char>(token[position] ^ (data[2] == 0 ? 1 : data[2]));
  require(!verify_jwt(keyring, kPurpose, token));
  return 0;
}

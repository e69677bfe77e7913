// One session with a PKCS #11 token (v2.40), logged in, with the AES key that is asked for. Internal to
// crypto.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/key_source.h"

namespace bulkhead::crypto {

class Pkcs11Token {
 public:
  // Loads and initialises the module, finds the token and logs in. Errc::unauthenticated for a wrong PIN.
  static Result<Pkcs11Token> open(const Pkcs11Options& options);
  Pkcs11Token(Pkcs11Token&& other) noexcept;
  Pkcs11Token& operator=(Pkcs11Token&&) = delete;
  ~Pkcs11Token();

  // Finds the key, or makes it when `create`. One that could leave the token is refused.
  Result<void> use_key(const std::string& label, bool create);

  // AES-256-GCM with a 96-bit nonce and a 128-bit tag behind the text. `plain` and what comes back are some
  // dozen bytes.
  Result<std::string> encrypt(std::string_view nonce, std::string_view associated, std::string_view plain);
  // Errc::unauthenticated when the key or anything else is another.
  Result<LockedBytes> decrypt(std::string_view nonce, std::string_view associated, std::string_view sealed);

 private:
  struct State;
  explicit Pkcs11Token(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::crypto

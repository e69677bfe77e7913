// Access tokens as values: what programs log in with instead of a password.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "identity/login/token_scopes.h"
#include "identity/secrets/networks.h"

namespace bulkhead::identity {

// What a token may do in /api/v1.
enum class Management : std::uint8_t { none, read, write };
std::string_view name(Management management);
Result<Management> parse_management(std::string_view text);

// Whether a token is good for anything. One that is `suspended` is refused for as long as a policy is as it
// is; one that is `rotated` works until its overlap ends; `dead` has ended with its key or with its account's
// log-ins, and nobody has revoked it.
enum class TokenState : std::uint8_t { active, rotated, suspended, expired, revoked, dead };
std::string_view name(TokenState state);

struct TokenUse {
  Time at{};
  std::string address;
  std::string client;
};

struct AccessToken {
  std::int64_t id = 0;
  std::int64_t account_id = 0;
  std::string name;
  std::shared_ptr<const TokenScopes> scopes;  // never null
  Management management = Management::none;
  Networks networks;
  Time created_at{};
  std::int64_t created_by = 0;  // an account, or 0 for the operator
  Time expires_at{};
  std::optional<Time> revoked_at;
  std::int64_t successor_id = 0;  // what it was rotated into, or 0
  // Of the key that it is stored under: with the key, the token ends.
  std::uint32_t key_version = 0;
  // Its account's when it was made: with that, the token ends as well.
  std::int64_t token_version = 1;
  // Whether whoever made it had shown a second factor.
  bool multi_factor = false;
  std::optional<TokenUse> last_use;

  bool revoked() const { return revoked_at.has_value(); }
  std::chrono::seconds life() const {
    return std::chrono::duration_cast<std::chrono::seconds>(expires_at - created_at);
  }
};

struct NewAccessToken {
  std::int64_t account_id = 0;
  std::string name;  // 1 to 100 characters, none of them a control character
  TokenScopes scopes;
  Management management = Management::none;
  Networks networks;
  bool multi_factor = false;  // whether whoever makes it has shown a second factor
  // Nothing: 7 days for one that may change anything, else as long as policy allows.
  std::optional<std::chrono::seconds> lifetime;

  bool may_write() const { return scopes.write() || management == Management::write; }
};

}  // namespace bulkhead::identity

// Access tokens in the database: reading and writing rows within somebody's transaction. Internal to
// identity.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "db/database.h"
#include "identity/login/access_token.h"

namespace bulkhead::identity {

struct StoredToken {
  AccessToken token;
  std::string hash;
};

// By one of the hashes that a token may be stored under; nothing when there is none.
Result<std::optional<StoredToken>> read_token(db::Session& session, const std::vector<std::string>& hashes);
Result<std::optional<AccessToken>> read_token(db::Session& session, std::int64_t id);
// Of one account, in the order of ids after `after`.
Result<std::vector<AccessToken>> read_tokens(db::Session& session, std::int64_t account_id,
                                             std::int64_t after, std::size_t limit);
// `token` with its scopes, and who the account named `creator` is; the id that it got.
Result<std::int64_t> insert_token(db::Session& session, const AccessToken& token, const std::string& hash,
                                  const std::string& creator);

// "?, ?, ?".
std::string placeholders(std::size_t count);

}  // namespace bulkhead::identity

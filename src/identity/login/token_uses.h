// When tokens were last used, noted in memory and written down in batches: a use costs no write, and a token
// in constant use one write a minute at most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "db/database.h"
#include "identity/login/access_token.h"

namespace bulkhead::identity {

// Thread-safe.
class TokenUses {
 public:
  // What is kept of a client's name for itself.
  static constexpr std::size_t kClientBytes = 256;

  // Uses of at most `most` tokens are remembered; those of further ones go unnoted until some are written.
  TokenUses(db::Database& database, std::size_t most) : database_(database), most_(most) {}

  // Uses within a minute of the one that was noted are taken for the same.
  void note(std::int64_t token_id, Time now, std::string_view address, std::string_view client);
  // What has been noted and may not have been written yet.
  std::optional<TokenUse> find(std::int64_t token_id) const;
  // Writes what was noted since; blocks. What cannot be written stays noted.
  Result<void> flush(Time now);

 private:
  struct Noted {
    TokenUse use;
    bool written = false;
  };

  db::Database& database_;
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::unordered_map<std::int64_t, Noted> noted_;
};

}  // namespace bulkhead::identity

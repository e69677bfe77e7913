// What a secret scanner found, taken out of use. Anybody may report: whoever has a credential may end it. The
// answer is the same whether anything was found; the owner is told by notices().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "crypto/keyring.h"
#include "db/database.h"
#include "identity/login/access_tokens.h"
#include "identity/login/sessions.h"
#include "identity/people/account.h"

namespace bulkhead::identity {

// The credentials of this registry's making that stand anywhere in a text, recognised by prefix and checksum,
// in the order in which they stand; at most `limit`. Takes time linear in the text's length.
std::vector<std::string_view> find_credentials(std::string_view text, std::size_t limit);

// Blocking; thread-safe.
class Leaked {
 public:
  static constexpr std::size_t kMost = 100;  // credentials in one report

  // All must outlive this.
  Leaked(db::Database& database, const crypto::Keyring& keyring, AccessTokens& tokens, Sessions& sessions,
         const Clock& clock)
      : database_(database), keyring_(keyring), tokens_(tokens), sessions_(sessions), clock_(clock) {}

  // Revokes the access tokens, ends the sessions, and withdraws the invitations and the setup token that
  // stand in `text`, each with its event, in one transaction: all, or an error and none. What is unknown or
  // revoked already is passed over.
  Result<void> report(std::string_view text, const audit::Origin& origin);

  // What the account has to be told: which credentials of its own, or of robots that it looks after as an
  // owner of their organization or repository, were reported. Those of the last thirty days, newest first, at
  // most 20.
  struct Notice {
    Time at{};
    std::string account;
    std::string detail;  // {"kind":"access_token","id":12}
  };
  Result<std::vector<Notice>> notices(const Account& account) const;

 private:
  db::Database& database_;
  const crypto::Keyring& keyring_;
  AccessTokens& tokens_;
  Sessions& sessions_;
  const Clock& clock_;
};

}  // namespace bulkhead::identity

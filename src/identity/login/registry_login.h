// Logging a client in to the registry: what /token takes as user name and password. An access token stands in
// the password's place; the password itself is taken only from accounts without a second factor, where policy
// lets it be used at all. Every attempt is journaled, and failed ones count in LogIn.
//
// Thread-safe. What blocks is said below.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "audit/event.h"
#include "base/secret.h"
#include "db/database.h"
#include "identity/login/access_tokens.h"
#include "identity/login/login.h"
#include "identity/login/policies.h"
#include "identity/people/accounts.h"

namespace bulkhead::identity {

class RegistryLogIn {
 public:
  // All must outlive this.
  RegistryLogIn(db::Database& database, Accounts& accounts, LogIn& login, AccessTokens& tokens,
                Policies& policies)
      : database_(database), accounts_(accounts), login_(login), tokens_(tokens), policies_(policies) {}

  struct Proved {
    Account account;
    std::shared_ptr<const AccessToken> token;  // null for a password
  };
  using Outcome = Result<Proved>;

  // Which of the two below is meant for it. No password begins like a token of whatever kind (accounts.h), so
  // one that is mistyped, cut off or of another kind is no guess at a password.
  static bool is_token(const Secret<>& secret);

  // Of a token: the outcome as far as memory knows it, without blocking; then verify_token(), which blocks
  // and is quick. Errc::unauthenticated with one message for every reason but the network; Errc::rate_limited
  // when the caller's network has failed too often, which keeps nobody out whose token is in use.
  std::optional<Outcome> peek_token(std::string_view name, const Secret<>& token,
                                    const audit::Origin& origin);
  Outcome verify_token(std::string_view name, const Secret<>& token, const audit::Origin& origin);

  // As LogIn::verify(), blocking and slow; call LogIn::admit() first. That an account needs a token, and that
  // a policy keeps the network out, is told only to who knows its password; that people of single sign-on do,
  // to everybody alike.
  Outcome verify_password(std::string_view name, const Secret<>& password, const audit::Origin& origin);
  // As LogIn::recall(): blocks for the database alone.
  std::optional<Outcome> recall_password(std::string_view name, const Secret<>& password,
                                         const audit::Origin& origin);

 private:
  // `account` is the token's, null when there is none any more; `why` is for one that was refused. Does not
  // block.
  Outcome settle(std::string_view name, const AccessTokens::Checked& checked, const Account* account,
                 std::string_view why, const audit::Origin& origin);
  static Outcome settle_password(Result<Account> account, std::string_view address);
  Result<std::optional<LogIn::Veto>> veto(const Account& account, std::string_view address);

  db::Database& database_;
  Accounts& accounts_;
  LogIn& login_;
  AccessTokens& tokens_;
  Policies& policies_;
};

}  // namespace bulkhead::identity

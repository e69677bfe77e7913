// Personal access tokens, and those of robots: made, shown once, recognised, rotated and revoked. The
// database keeps a keyed hash. Every change writes its event in its own transaction.
//
// A revocation, and whatever else ends a token (its expiry, its account's state, a policy), holds from the
// next check on. Checks of tokens in use touch no database. Calls block, except peek(), forget() and
// is_access_token(). Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "base/secret.h"
#include "crypto/keyring.h"
#include "db/database.h"
#include "identity/login/access_token.h"
#include "identity/login/policies.h"
#include "identity/people/accounts.h"

namespace bulkhead::identity {

// Where a token is used from; for what is recorded of its last use.
struct TokenSource {
  std::string_view address;
  std::string_view client;
};

class AccessTokens {
 public:
  struct Options {
    std::size_t cached = 100'000;
    std::size_t per_account = 4000;  // with its owner's robots; of those that may work again
  };
  static constexpr std::chrono::seconds kShortestLife{60};
  static constexpr std::chrono::hours kLongestOverlap{7 * 24};

  // All must outlive this.
  AccessTokens(db::Database& database, const crypto::Keyring& keyring, Accounts& accounts, Policies& policies,
               const Clock& clock, Options options);
  ~AccessTokens();

  struct Created {
    AccessToken token;
    Secret<> secret;  // nobody can see it again
  };
  // Errc::not_found for an account, Errc::name_unknown for a scope's repository or namespace, that is none;
  // Errc::conflict for an account that is not active or has too many tokens; Errc::invalid_argument for a
  // lifetime that policy does not allow, and for what else NewAccessToken rules out.
  Result<Created> create(const NewAccessToken& wanted, const audit::Origin& origin);
  // A successor with the same name, scopes, networks and length of life, or what policy has left of that, by
  // somebody who has shown a second factor or not. The old one may be used until `overlap` has passed, or not
  // at all when policy no longer allows it.
  // Errc::not_found; Errc::conflict when the token is revoked, expired or already rotated.
  Result<Created> rotate(std::int64_t account_id, std::int64_t token_id, std::chrono::seconds overlap,
                         bool multi_factor, const audit::Origin& origin);
  // Errc::not_found for what is not a token of the account. Doing it twice is success and writes no event.
  Result<void> revoke(std::int64_t account_id, std::int64_t token_id, const audit::Origin& origin);
  // All of the account's that still stand; how many that were.
  Result<std::int64_t> revoke_all(std::int64_t account_id, const audit::Origin& origin);
  // Removes what has been expired for `kept`, at most a thousand rows; how many that were.
  Result<std::int64_t> prune(std::chrono::seconds kept);

  // Of one account, dead ones too, in the order of ids after `after`.
  Result<std::vector<AccessToken>> list(std::int64_t account_id, std::int64_t after, std::size_t limit);
  Result<AccessToken> find(std::int64_t account_id, std::int64_t token_id);
  // Wherever it is used from.
  Result<TokenState> state(const AccessToken& token);

  using Checked = Result<std::shared_ptr<const AccessToken>>;
  // Whether the text claims to be one of these, by its prefix.
  static bool is_access_token(std::string_view text);
  // The words of the evidence for why a token is not taken.
  static constexpr std::string_view kWrongToken = "wrong_token";
  static constexpr std::string_view kWrongNetwork = "wrong_network";
  // Errc::unauthenticated, with one message, for anything that keeps the token from being used from there
  // now. A wrong checksum is refused without a look-up. peek() has no answer when the database must be asked.
  std::optional<Checked> peek(std::string_view token, const TokenSource& source);
  Checked verify(std::string_view token, const TokenSource& source);
  // Of one that was refused from there just now: kWrongToken for what is none, or not of the account of that
  // name; or `token_` and its state; or kWrongNetwork.
  std::string_view why_refused(std::string_view token, std::string_view address,
                               std::optional<std::string_view> account = {});
  // What whoever has it is told in place of that one message for kWrongNetwork.
  static Error kept_out(std::string_view address);
  // The same for one that was verified before, by its id. It ends as well when the key that it is stored
  // under is retired.
  std::optional<Checked> peek(std::int64_t token_id, std::string_view address) const;
  Checked check(std::int64_t token_id, std::string_view address);

  // Writes down when tokens were last used; once a minute is often enough.
  Result<void> flush();
  // After another's transaction that changed the token's row has committed.
  void forget(std::int64_t token_id);
  // All that memory knows: somebody else may have changed it.
  void forget_all();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::identity

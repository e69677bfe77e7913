// Bearer tokens: five minutes, bound to an account and scopes, dead at once when the account is disabled or
// its password changes, when the access token that one was made with stops being valid, and when a policy no
// longer allows how or from where it is used. A token's scopes are a ceiling: what its holder may do is
// decided anew at each request.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/facts.h"
#include "access/scope.h"
#include "crypto/keyring.h"
#include "identity/login/access_tokens.h"
#include "identity/login/policies.h"
#include "identity/people/accounts.h"

namespace bulkhead::access {

// The caller that an account's checked credential makes; `token` is null when that was not an access token,
// and then a person's was a password.
Principal principal_of(const identity::Account& account,
                       const std::shared_ptr<const identity::AccessToken>& token = nullptr);

// What a checked token says.
struct Bearer {
  Principal principal;
  std::string token_id;   // "jti"; for evidence
  std::string parent_id;  // that of the one it was made with, or ""
  std::vector<Scope> scopes;
  HashedScopes hashed;  // of repositories, when they are too many for the former
  Time expires_at{};

  // For evidence: "bearer:<token id>", "token:<number>/<token id>" when it was made with an access token, or
  // "bearer:<parent id>/<token id>" when with another bearer token.
  std::string credential() const;
  bool covers(std::string_view repository, Action action) const;
  bool covers_catalog() const;
  // Whether others may be made with it: what a workload got in exchange may stand for its robot's password.
  bool logs_in() const {
    return !principal.anonymous() && principal.token_id == 0 && principal.ceiling != nullptr &&
           parent_id.empty();
  }
};

struct IssuedToken {
  std::string token;
  std::chrono::seconds lifetime{};
  Time issued_at{};
  std::vector<Scope> scopes;  // what of those asked for it carries
};

class Tokens {
 public:
  struct Options {
    std::string service = "bulkhead";  // the only audience accepted
    std::string issuer = "bulkhead";
    std::chrono::seconds lifetime{300};
    std::size_t cached = 100'000;
  };
  // All must outlive this.
  Tokens(const crypto::Keyring& keyring, identity::Accounts& accounts, identity::AccessTokens& access_tokens,
         identity::Policies& policies, Facts& facts, const Clock& clock, Options options);
  ~Tokens();

  // Grants the part of `requested` that decide() allows now; the rest is left out silently, as the protocol
  // asks. Lives for `lifetime`, or as long as the options say. What is issued to a person without an access
  // token or a ceiling counts as made with a password. Errc::unauthenticated when the principal's account has
  // changed since its credential was checked. Of so many scopes that they do not fit into a header those
  // named last are granted. Blocking.
  Result<IssuedToken> issue(const Principal& principal, const std::vector<Scope>& requested,
                            std::optional<std::chrono::seconds> lifetime = std::nullopt);

  // One that is made with another, by somebody at `address`, for a client that knows only passwords: grants
  // the part of `requested` that `with` covers and decide() allows now, lives as long as the options say and
  // no longer than `with` does, and dies of whatever ends that. Errc::unauthenticated also for a token that
  // does not log in, such as one that was made this way.
  Result<IssuedToken> issue(const Bearer& with, const std::vector<Scope>& requested,
                            std::string_view address = {});

  // Whether a caller at `address` may use the token. Errc::unauthenticated for anything wrong: shape, MAC,
  // algorithm, typ, iss, aud, missing iat or exp, expired, from the future, an account that is gone, disabled
  // or has a newer credential version, an access token that is no longer valid, a policy. peek() answers
  // without blocking, or nothing when something must be read first: verify() then.
  std::optional<Result<std::shared_ptr<const Bearer>>> peek(std::string_view token,
                                                            std::string_view address) const;
  Result<std::shared_ptr<const Bearer>> verify(std::string_view token, std::string_view address);
  // The same anew for a request that has been under way since it was verified, whose time it has: it may have
  // run out meanwhile. Blocking.
  Result<std::shared_ptr<const Bearer>> verify_again(std::string_view token, std::string_view address);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::access

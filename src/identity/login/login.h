// Log-in with a password: limited as identity/secrets/guess_limiter.h says, which has the arithmetic of it,
// the same in answer and time for names that exist and names that do not, every attempt journaled. Log-ins
// with credentials that nobody guesses (tokens, the answers of OpenID providers) are counted here too, by
// network, and apart: what a build does with a stale token closes nothing for people with passwords.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "audit/event.h"
#include "audit/journal.h"
#include "base/clock.h"
#include "base/secret.h"
#include "crypto/password.h"
#include "db/database.h"
#include "identity/people/accounts.h"
#include "identity/secrets/guess_limiter.h"

namespace bulkhead::identity {

struct LoginLimits {
  GuessLimits passwords = {};
  // How long a password that was right is taken without being hashed again, zero for not at all; and for how
  // many accounts.
  std::chrono::seconds remembered_for{30};
  std::size_t passwords_remembered = 100'000;
};

class LogIn {
 public:
  LogIn(Accounts& accounts, const crypto::PasswordHasher& hasher, audit::Journal& journal, const Clock& clock,
        LoginLimits limits);
  ~LogIn();

  // From now on the networks that accounts log in from are kept there, and those of before are known. Call it
  // before anything else. Blocks. The database must outlive this.
  Result<void> keep_networks(db::Database& database);

  // Errc::rate_limited, with the time to wait, before any hashing; journaled. Does not block: call it on the
  // event loop first.
  Result<void> admit(std::string_view name, const audit::Origin& origin) const;

  // Blocking and slow (Argon2id). As admit_password(); Errc::unauthenticated with one message for every
  // reason (unknown name, wrong password, disabled), or Errc::rate_limited. While as many attempts are under
  // way as may still fail, the next waits for their outcome, a bounded time. Of a failed attempt only what
  // can be an account's name is journaled, never what was typed in its place. `condition` is asked once the
  // password was right, and may refuse the log-in all the same. `session`: a live one of the account's own
  // that proves itself anew, and has a count of its own.
  struct Veto {
    std::string why;              // for the journal
    std::optional<Error> answer;  // without one, the log-in is answered and counted like a wrong password
  };
  using Condition = std::function<Result<std::optional<Veto>>(const Account&)>;
  Result<Account> verify(std::string_view name, const Secret<>& password, const audit::Origin& origin,
                         const Condition& condition = {}, std::int64_t session = 0);

  // Of what is given as a password: Errc::invalid_argument, with where it goes, for what begins like a token,
  // which is no guess at anybody's password and counts among the network's wrong tokens; journaled. verify()
  // and everything else that takes a password asks it first. Does not block.
  Result<void> admit_password(std::string_view name, const Secret<>& password, const audit::Origin& origin);

  // Whether a log-in of the account there would be at home: it was right there before. `where` as for
  // verify_elsewhere(), "" for verify(). Does not block.
  bool knows(std::string_view name, std::string_view address, std::string_view where = {}) const;

  // Whether recall() would know the password. Does not block.
  bool remembers(std::string_view name, const Secret<>& password) const;
  // As verify(), for a password that was right a moment ago: blocks for the database alone. Nothing when it
  // is not known (any more); then verify() it.
  std::optional<Result<Account>> recall(std::string_view name, const Secret<>& password,
                                        const audit::Origin& origin, const Condition& condition = {},
                                        std::int64_t session = 0);

  // The counts of the account begin anew, with whatever password or directory; after a new password also what
  // was remembered of the old one, and the networks that knew it: that blocks.
  void lift(std::string_view name);
  void forget(std::string_view name);
  // The passwords that were right a moment ago, all of them. Does not block.
  void forget_passwords();

  // For a password that somebody else checks, a directory, say: limited and journaled as above, but counted
  // by itself and not with the account of that name. The caller bounds the name's length. An error of the
  // judge decides nothing and counts as nothing, and is journaled with its message.
  struct Judgement {
    Account account;  // where there is no veto
    std::optional<Veto> veto;
    std::string note = {};  // of a success, for the journal
  };
  using Judge = std::function<Result<Judgement>()>;
  Result<Account> verify_elsewhere(std::string_view where, std::string_view name, const audit::Origin& origin,
                                   const Judge& judge, std::int64_t session = 0);

  // For log-ins with a credential that is cheap to check and cannot be guessed. Only the network's count of
  // those is asked; a refusal is journaled. Do not block, nor do the next two.
  Result<void> admit_network(std::string_view name, const audit::Origin& origin);
  // Counts and journals the outcome. A success clears nothing: it says nothing about guesses. `note` is for
  // the journal.
  void failed(std::string_view name, std::string_view why, const audit::Origin& origin);
  void succeeded(std::string_view account, const audit::Origin& origin, std::string_view note = {});
  // Counts a refusal that names no account and that somebody else has journaled. Does not block.
  void refused(std::string_view address);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::identity

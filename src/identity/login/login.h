// Log-in with a password: limited per account and per network, the same in answer and time for names that
// exist and names that do not, every attempt journaled. Failed log-ins with other credentials count here too.
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
#include "identity/people/accounts.h"

namespace bulkhead::identity {

struct LoginLimits {
  std::uint32_t attempts_per_account =
      10;  // failed ones within the window, then refused unread until it passes
  std::uint32_t attempts_per_network = 100;  // of an IPv4 /24 or IPv6 /64
  std::chrono::seconds window{300};
  std::size_t remembered = 100'000;  // accounts and networks kept; the oldest are forgotten first
};

class LogIn {
 public:
  LogIn(Accounts& accounts, const crypto::PasswordHasher& hasher, audit::Journal& journal, const Clock& clock,
        LoginLimits limits);
  ~LogIn();

  // Errc::rate_limited before any hashing, without blocking: call it on the event loop first.
  Result<void> admit(std::string_view name, std::string_view address) const;

  // Blocking and slow (Argon2id). Errc::unauthenticated with one message for every reason (unknown name,
  // wrong password, disabled), or Errc::rate_limited. A success clears the account's count, not the
  // network's. While as many attempts are under way as may still fail, the next waits for their outcome. Of a
  // failed attempt only what can be an account's name is journaled, never what was typed in its place.
  // `condition` is asked once the password was right, and may refuse the log-in all the same.
  struct Veto {
    std::string_view why;         // for the journal
    std::optional<Error> answer;  // without one, the log-in is answered and counted like a wrong password
  };
  using Condition = std::function<Result<std::optional<Veto>>(const Account&)>;
  Result<Account> verify(std::string_view name, const Secret<>& password, const audit::Origin& origin,
                         const Condition& condition = {});

  // For a password that somebody else checks, a directory, say: limited and journaled as above, but counted
  // by itself and not with the account of that name. The caller bounds the name's length. An error of the
  // judge decides nothing and counts as nothing.
  struct Judgement {
    Account account;  // where there is no veto
    std::optional<Veto> veto;
  };
  using Judge = std::function<Result<Judgement>()>;
  Result<Account> verify_elsewhere(std::string_view where, std::string_view name, const audit::Origin& origin,
                                   const Judge& judge);

  // For log-ins with a credential that is cheap to check and cannot be guessed. Only the network's limit is
  // asked, because strangers may use up an account's; a refusal is journaled. Do not block, nor do the next
  // two.
  Result<void> admit_network(std::string_view name, const audit::Origin& origin);
  // Counts and journals the outcome. A success clears nothing: it says nothing about guesses at the password.
  void failed(std::string_view name, std::string_view why, const audit::Origin& origin);
  void succeeded(std::string_view account, const audit::Origin& origin);
  // Counts a refusal that names no account and that somebody else has journaled, against the network alone.
  // Does not block.
  void refused(std::string_view address);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::identity

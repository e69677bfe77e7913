// Log-ins to /api/v1 by people: "bhsession_" tokens, of which the database keeps a keyed hash. A session ends
// by itself when its account's password changes or the account stops being active. Every start and end writes
// its event, except that of sessions that have run out.
//
// Checks of sessions in use touch no database. Calls block, except peek() and forget(). Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "base/secret.h"
#include "crypto/keyring.h"
#include "crypto/sealer.h"
#include "db/database.h"
#include "identity/login/policies.h"
#include "identity/people/accounts.h"

namespace bulkhead::identity {

struct Session {
  std::int64_t id = 0;
  std::int64_t account_id = 0;
  std::string client;
  std::string address;  // where it was started from
  std::int64_t credential_version = 0;
  bool multi_factor = false;
  Time created_at{};
  Time proved_at{};
  Time expires_at{};

  // Whether the person proved within that time who they are: what makes credentials asks for it.
  bool recently_proved(Time now, std::chrono::seconds within) const { return now - proved_at < within; }
};

class Sessions {
 public:
  struct Options {
    std::chrono::seconds lifetime = std::chrono::hours(12);
    std::chrono::seconds longest = std::chrono::days(30);  // from its start, however often it is refreshed
    std::size_t per_account = 100;                         // the oldest make room
    std::size_t cached = 100'000;
  };

  // All must outlive this.
  Sessions(db::Database& database, const crypto::Keyring& keyring, crypto::Sealer& sealer, Accounts& accounts,
           Policies& policies, const Clock& clock, Options options);
  ~Sessions();

  struct Started {
    Session session;
    Secret<> secret;  // nobody can see it again
  };
  // For an account as it was when the person proved to be it. Errc::unauthenticated when it has changed
  // since.
  Result<Started> start(const Account& account, bool multi_factor, const audit::Origin& origin);

  // Whom a log-in provider vouched for: with what it is asked whether it still does.
  struct Backing {
    std::int64_t provider_id = 0;
    std::string subject;
    Secret<> refresh = {};  // the OpenID refresh token; "" for none
    // The provider's, as they were when it was asked (LoginProvider::stored); not kept with the session.
    std::string settings = {};
  };
  // The same for a log-in with a provider: Errc::unauthenticated also when the provider is disabled or has
  // other settings since, and when the person is not linked to the account any more.
  Result<Started> start(const Account& account, bool multi_factor, const Backing& backing,
                        const audit::Origin& origin);
  // Errc::not_found for a session that has ended, and for one that no provider stands behind.
  Result<Backing> backing(std::int64_t session_id);
  // The provider still vouches for its owner: it lasts as long as a new one would, and `refresh` is what the
  // provider is asked with the next time. Errc::not_found.
  Result<Session> refresh(std::int64_t session_id, const Secret<>& refresh, const audit::Origin& origin);
  // Ends those that the provider stands behind, of one of its people or, without a subject, of all.
  Result<std::int64_t> end_backed(std::int64_t provider_id, std::optional<std::string_view> subject,
                                  const audit::Origin& origin);
  // The person has proved it anew; `multi_factor` is never taken back. Errc::not_found.
  Result<void> prove(std::int64_t account_id, std::int64_t session_id, bool multi_factor);

  struct Checked {
    std::shared_ptr<const Session> session;
    // Policy asks for a second factor that this session has not seen: it may do nothing but enrol one.
    bool needs_factor = false;
  };
  // Errc::unauthenticated, with one message, for anything wrong: shape, unknown, ended, run out, an account
  // that is not active or has changed its password; with another for an address that policy does not allow.
  // peek() has no answer when the database must be asked.
  std::optional<Result<Checked>> peek(std::string_view token, std::string_view address) const;
  Result<Checked> verify(std::string_view token, std::string_view address);

  // Errc::not_found for what is no session of the account.
  Result<void> end(std::int64_t account_id, std::int64_t session_id, const audit::Origin& origin);
  // How many that were.
  Result<std::int64_t> end_all(std::int64_t account_id, const audit::Origin& origin);
  // Those that have not ended, newest first.
  Result<std::vector<Session>> list(std::int64_t account_id);
  // Whether a policy refuses it from where it was started, for as long as the policy is as it is.
  Result<bool> suspended(const Session& session);
  // Removes what has run out, at most a thousand; how many that were.
  Result<std::int64_t> prune();

  // After another's transaction that removed the row has committed.
  void forget(std::int64_t session_id);
  // All that memory knows: somebody else may have changed it.
  void forget_all();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::identity

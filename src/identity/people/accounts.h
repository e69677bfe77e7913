// Accounts and their passwords. Every change writes its event in its own transaction, and is seen by peek()
// before the call returns: that is what makes revocation hold from the next request.
//
// Calls block (database, and Argon2id where said), except peek(). Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/secret.h"
#include "crypto/password.h"
#include "db/database.h"
#include "identity/people/account.h"

namespace bulkhead::identity {

class Accounts {
 public:
  // All must outlive this. At most `cached` accounts are kept in memory.
  Accounts(db::Database& database, const crypto::PasswordHasher& hasher, const Clock& clock,
           std::size_t cached);
  ~Accounts();

  // Checks the name and the password's rules (crypto/password.h; none begins like a token), hashes (slow),
  // creates the account and the namespace of its name. Errc::conflict when the name is taken.
  Result<Account> create(std::string_view name, const Secret<>& password, bool administrator,
                         const audit::Origin& origin);
  // The checks of create(), without a database.
  static Result<void> check(std::string_view name, const Secret<>& password);
  // create() in two steps, for a caller whose transaction holds more than the account (setup.h). The first is
  // the slow one; the second writes the account, its namespace and the event into `session`.
  struct Prepared {
    std::string name;
    std::string password_hash;
    bool administrator = false;
  };
  Result<Prepared> prepare(std::string_view name, const Secret<>& password, bool administrator) const;
  Result<Account> create(db::Session& session, const Prepared& prepared, const audit::Origin& origin) const;

  // Ends all that the account has logged in with, access tokens included.
  Result<void> set_password(std::string_view name, const Secret<>& password, const audit::Origin& origin);

  // Each of these answers Errc::not_found for nobody, and is success without an event when nothing changes.
  // Errc::conflict when no active administrator, or no active owner of an organization, would be left.
  //
  // Leaving `active` ends the account's sessions, bearer and access tokens and open invitations at once, and
  // for good. A lock that stays is Errc::denied: who did not lock the account neither opens it nor turns the
  // lock into something that they may open.
  enum class Lock : std::uint8_t { stays, may_be_lifted };
  Result<void> set_state(std::string_view name, AccountState state, const audit::Origin& origin,
                         Lock lock = Lock::may_be_lifted);
  Result<void> set_active(std::string_view name, bool active, const audit::Origin& origin);
  // People only: Errc::invalid_argument for a robot.
  Result<void> set_system_role(std::string_view name, SystemRole role, const audit::Origin& origin);
  Result<void> set_administrator(std::string_view name, bool administrator, const audit::Origin& origin);
  // What is not given stays. An address that changes is unverified unless the change says otherwise.
  // Errc::invalid_argument as in profile.h; Errc::conflict for an address that is another account's verified
  // one.
  struct Profile {
    std::optional<std::string> display_name;
    std::optional<std::string> email;
    std::optional<bool> email_verified;
  };
  Result<void> set_profile(std::string_view name, const Profile& profile, const audit::Origin& origin);

  Result<Account> find(std::string_view name);
  Result<Account> find(std::int64_t id);
  Result<std::vector<Account>> list();
  // In byte order of their names after `after` (exclusive), at most `limit`.
  struct Page {
    std::string after;
    std::size_t limit = 100;
    std::optional<AccountKind> kind;
    std::optional<AccountState> state;
  };
  Result<std::vector<Account>> list(const Page& page);
  Result<bool> any();

  // The account as memory knows it, exactly as current as the database; nullptr when it is not in memory:
  // find() then. Does not block.
  std::shared_ptr<const Account> peek(std::int64_t id) const;

  // Forgets what memory knows of the account: for a service whose own transaction has changed it.
  void forget(std::int64_t id);
  // All that memory knows: somebody else may have changed it.
  void forget_all();

  // For LogIn: the account and its stored password string. Slow part is the caller's. Errc::not_found also
  // for an account that has no password, such as a robot: a log-in must not tell it from nobody.
  struct Credentials {
    Account account;
    std::string password_hash;
  };
  Result<Credentials> credentials(std::string_view name);
  // Replaces an outdated hash after a successful log-in; no event, no new version.
  Result<void> upgrade_hash(std::int64_t id, std::string_view old_hash, std::string_view new_hash);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::identity

// Who exists: people and robots. A person's name is also the name of their namespace.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "identity/people/system_role.h"

namespace bulkhead::identity {

enum class AccountKind : std::uint8_t { person, robot };
// A locked account is one that the system or a security officer has stopped until somebody looks at it.
enum class AccountState : std::uint8_t { active, disabled, locked };

std::string_view name(AccountKind kind);
std::string_view name(AccountState state);
// The words that name() gives; Errc::invalid_argument.
Result<AccountKind> parse_account_kind(std::string_view text);
Result<AccountState> parse_account_state(std::string_view text);

// One component of a repository name: lower-case ASCII, so that no two names differ in case or by letters
// that look alike. Errc::name_invalid, saying of what kind (`what`, as in "a team's name") it should have
// been.
Result<std::string> parse_component(std::string_view text, std::string_view what, std::size_t shortest = 1);

// A component of 2 to 64 characters, none of the reserved words ("library", "v2", "api", …); for accounts and
// organizations, which share their names. Errc::name_invalid.
Result<std::string> parse_account_name(std::string_view text, std::string_view what = "an account's name");

// A person's name, or a robot's: OWNER+NAME (robots.h). Bytes that are neither belong to no account, and need
// not be looked up.
bool is_account_name(std::string_view text);

// Whose share of what is scarce the account takes: a robot has its owner's (the part before the '+'), so that
// robots make no shares. A view into `account`.
std::string_view sharer(std::string_view account);

struct Account {
  std::int64_t id = 0;
  std::string name;
  AccountKind kind = AccountKind::person;
  AccountState state = AccountState::active;
  SystemRole system_role = SystemRole::none;
  std::string display_name;  // "" for none, as is the e-mail address
  std::string email;
  // Somebody else than the account itself (a directory, an administrator) vouches for the address, and for no
  // other account's that is the same.
  bool email_verified = false;
  // Bearer tokens and sessions carry it; one of an earlier version is dead.
  std::int64_t credential_version = 1;
  // The same for access tokens, which outlive more (docs/guide/credentials.md).
  std::int64_t token_version = 1;
  Time created_at{};

  bool active() const { return state == AccountState::active; }
  bool administrator() const { return system_role == SystemRole::administrator; }
};

}  // namespace bulkhead::identity

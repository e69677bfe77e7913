#include "identity/people/account_changes.h"

#include <fmt/format.h>

#include "identity/people/account_rows.h"
#include "identity/people/namespaces.h"
#include "identity/people/removal.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

Result<Account> read_person(db::Session& session, std::int64_t id) {
  auto account = read_account(session, id);
  if (!account) return account.error();
  if (account->kind == AccountKind::robot)
    return Error{Errc::invalid_argument,
                 fmt::format("{} is a robot; change it where it belongs", oci::quote(account->name))};
  return account;
}

Result<void> check_owns_nothing(db::Session& session, const Account& account) {
  const auto repositories =
      session.query("SELECT name FROM repositories WHERE owner_id = ? ORDER BY name LIMIT 1", {account.id});
  if (!repositories) return repositories.error();
  if (!repositories->empty())
    return Error{Errc::conflict,
                 fmt::format("{} still owns repositories, such as {}; transfer or delete them first",
                             oci::quote(account.name), oci::quote(repositories->front().text(0)))};
  if (const auto may = check_owners_remain(session, account.id); !may) return may.error();
  return check_not_last_administrator(session, account);
}

}  // namespace

Result<void> AccountChanges::rename(std::int64_t id, std::string_view new_name, const audit::Origin& origin) {
  const auto name = parse_account_name(new_name);
  if (!name) return name.error();
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto account = read_person(change.session, id);
    if (!account) return account.error();
    if (account->name == *name) return {};
    if (const auto free = check_name_is_free(change.session, *name); !free) return free.error();
    const auto renamed = change.execute("UPDATE accounts SET name = ? WHERE id = ?", {*name, id});
    if (!renamed) return renamed.error();
    change.forget(id);
    // Where the owner is the contact, by name, that name is theirs to keep up to date.
    const auto contact = change.execute(
        "UPDATE repositories SET contact = ? WHERE owner_id = ? AND contact = ?", {*name, id, account->name});
    if (!contact) return contact.error();
    if (const auto space = rename_namespace(change, account->name, *name); !space) return space.error();
    return change.record(audit::Action::account_renamed, account->name, *name);
  });
}

Result<void> AccountChanges::remove(std::int64_t id, const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto account = read_person(change.session, id);
    if (!account) return account.error();
    if (const auto nothing = check_owns_nothing(change.session, *account); !nothing) return nothing.error();
    if (const auto erased = erase_namespace(change, account->name); !erased) return erased.error();
    if (const auto erased = erase_account(change, id); !erased) return erased.error();
    change.forget(id);
    return change.record(audit::Action::account_deleted, account->name);
  });
}

}  // namespace bulkhead::identity

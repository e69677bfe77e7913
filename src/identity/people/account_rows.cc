#include "identity/people/account_rows.h"

#include <fmt/format.h>

#include <utility>

#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

Result<Account> read(db::Session& session, std::string_view condition, db::Value key, const Error& absent) {
  const auto rows = session.query(
      fmt::format("SELECT {} FROM accounts a WHERE {}", kAccountColumns, condition), {std::move(key)});
  if (!rows) return rows.error();
  if (rows->empty()) return absent;
  return account_from(rows->front());
}

template <class T>
T value_or(const Result<T>& value, T otherwise) {
  return value ? *value : otherwise;
}

}  // namespace

Account account_from(const db::Row& row) {
  return {.id = row.integer(0),
          .name = row.text(1),
          .kind = row.text(2) == "robot" ? AccountKind::robot : AccountKind::person,
          // A state that this program does not know is not one to let in.
          .state = value_or(parse_account_state(row.text(3)), AccountState::disabled),
          .system_role = value_or(parse_system_role(row.text(4)), SystemRole::none),
          .display_name = row.text(5),
          .email = row.text(6),
          .email_verified = row.integer(7) != 0,
          .credential_version = row.integer(8),
          .token_version = row.integer(9),
          .created_at = from_micros(row.integer(10))};
}

Error no_account(std::string_view name) {
  return {Errc::not_found, fmt::format("there is no account named {}", oci::quote(name))};
}

Error no_account(std::int64_t id) {
  return {Errc::not_found, fmt::format("there is no account number {}", id)};
}

Result<Account> read_account(db::Session& session, std::string_view name) {
  if (!is_account_name(name)) return no_account(name);
  return read(session, "a.name = ?", std::string(name), no_account(name));
}

Result<Account> read_account(db::Session& session, std::int64_t id) {
  return read(session, "a.id = ?", id, no_account(id));
}

Result<void> check_not_last_administrator(db::Session& session, const Account& account) {
  if (!account.administrator() || !account.active()) return {};
  const auto others = session.query(
      "SELECT 1 FROM accounts WHERE system_role = 'administrator' AND state = 'active' AND id <> ? LIMIT 1",
      {account.id});
  if (!others) return others.error();
  if (!others->empty()) return {};
  return Error{Errc::conflict, fmt::format("{} is the last active administrator; make another one first",
                                           oci::quote(account.name))};
}

}  // namespace bulkhead::identity

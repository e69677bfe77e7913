// The part of Facts that changes roles.

#include <fmt/format.h>

#include <algorithm>

#include "access/facts_state.h"
#include "oci/quote.h"

namespace bulkhead::access {
namespace {

// Who and what a grant is about, found in the database.
struct Subject {
  std::int64_t account_id = 0;
  std::int64_t target_id = 0;
};

// The two kinds of grant differ in their table alone.
struct Statements {
  std::string_view find;
  std::string_view grant;
  std::string_view revoke;
};

constexpr Statements kNamespace = {
    "SELECT id FROM namespaces WHERE name = ?",
    "INSERT INTO namespace_grants (namespace_id, account_id, role) VALUES (?, ?, ?) "
    "ON CONFLICT (namespace_id, account_id) DO UPDATE SET role = excluded.role WHERE namespace_grants.role "
    "<> excluded.role",
    "DELETE FROM namespace_grants WHERE namespace_id = ? AND account_id = ?"};

constexpr Statements kRepository = {
    "SELECT id FROM repositories WHERE name = ?",
    "INSERT INTO repository_grants (repository_id, account_id, role) VALUES (?, ?, ?) "
    "ON CONFLICT (repository_id, account_id) DO UPDATE SET role = excluded.role WHERE repository_grants.role "
    "<> excluded.role",
    "DELETE FROM repository_grants WHERE repository_id = ? AND account_id = ?"};

const Statements& statements(const GrantTarget& target) {
  return target.is_namespace ? kNamespace : kRepository;
}

Result<std::int64_t> find_id(db::Session& session, std::string_view sql, std::string_view name,
                             const Error& absent) {
  const auto rows = session.query(sql, {std::string(name)});
  if (!rows) return rows.error();
  if (rows->empty()) return absent;
  return rows->front().integer(0);
}

Result<Subject> find_subject(db::Session& session, std::string_view account, const GrantTarget& target) {
  const auto target_id = find_id(
      session, statements(target).find, target.name,
      {Errc::name_unknown, fmt::format("there is no {} {}", target.is_namespace ? "namespace" : "repository",
                                       oci::quote(target.name))});
  if (!target_id) return target_id.error();
  const auto account_id =
      find_id(session, "SELECT id FROM accounts WHERE name = ?", account,
              {Errc::not_found, fmt::format("there is no account named {}", oci::quote(account))});
  if (!account_id) return account_id.error();
  return Subject{*account_id, *target_id};
}

// What the event's own fields do not say.
std::string detail(const GrantTarget& target, std::string_view role) {
  if (!target.is_namespace) return std::string(role);
  // Names of namespaces and roles need no escaping.
  return fmt::format(R"({{"namespace":"{}","role":"{}"}})", target.name, role);
}

Result<void> check_names(std::string_view account, const GrantTarget& target) {
  // Bytes that are no name are not sent to the database, which may refuse them in its own way.
  if (const auto name = oci::RepositoryName::parse(account); !name)
    return Error{Errc::not_found, fmt::format("there is no account named {}", oci::quote(account))};
  if (target.is_namespace && target.name.empty()) return {};
  if (const auto name = oci::RepositoryName::parse(target.name); !name) return name.error();
  return {};
}

}  // namespace

Result<GrantTarget> parse_grant_target(std::string_view text) {
  if (text == "/") return GrantTarget{true, ""};
  const bool is_namespace = text.ends_with('/');
  if (is_namespace) text.remove_suffix(1);
  const auto name = oci::RepositoryName::parse(text);
  if (!name) return name.error();
  if (is_namespace && text.find('/') != std::string_view::npos)
    return Error{Errc::name_invalid,
                 fmt::format("{} is no namespace: that is one component and a '/', as in \"team/\"",
                             oci::quote(text))};
  return GrantTarget{is_namespace, name->render()};
}

Result<void> Facts::grant(std::string_view account, Role role, const GrantTarget& target,
                          const audit::Origin& origin) {
  if (role == Role::none || role == Role::owner)
    return Error{Errc::invalid_argument, fmt::format("the role {} cannot be granted", name(role))};
  if (const auto valid = check_names(account, target); !valid) return valid.error();
  Subject subject;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    const auto found = find_subject(session, account, target);
    if (!found) return found.error();
    subject = *found;
    const auto changed = session.execute(statements(target).grant,
                                         {subject.target_id, subject.account_id, std::string(name(role))});
    if (!changed) return changed.error();
    if (*changed == 0) return {};  // it is the role that the account has
    return state_->record(session, audit::Action::grant_set, target.is_namespace ? "" : target.name, account,
                          detail(target, name(role)), origin);
  });
  state_->forget_role(subject.account_id, subject.target_id, target);
  return done;
}

Result<void> Facts::revoke(std::string_view account, const GrantTarget& target, const audit::Origin& origin) {
  if (const auto valid = check_names(account, target); !valid) return valid.error();
  Subject subject;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    const auto found = find_subject(session, account, target);
    if (!found) return found.error();
    subject = *found;
    const auto changed = session.execute(statements(target).revoke, {subject.target_id, subject.account_id});
    if (!changed) return changed.error();
    if (*changed == 0)
      return Error{Errc::not_found,
                   fmt::format("{} has no grant there that could be removed", oci::quote(account))};
    return state_->record(
        session, audit::Action::grant_removed, target.is_namespace ? "" : target.name, account,
        target.is_namespace ? fmt::format(R"({{"namespace":"{}"}})", target.name) : std::string(), origin);
  });
  state_->forget_role(subject.account_id, subject.target_id, target);
  return done;
}

}  // namespace bulkhead::access

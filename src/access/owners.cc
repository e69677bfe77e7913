// The part of Facts about who answers for a repository.

#include <fmt/format.h>

#include <algorithm>

#include "access/facts_state.h"
#include "base/shown.h"
#include "oci/quote.h"

namespace bulkhead::access {
namespace {

constexpr std::size_t kLongestContact = 255;

// Who a repository's owner is now.
struct Current {
  std::int64_t owner_id = 0;  // 0 for nobody
  std::string owner;
  bool appointed = false;
  std::string contact;
  bool administrator = false;
};

Result<Current> read_current(db::Session& session, std::int64_t repository_id) {
  const auto rows = session.query(
      "SELECT COALESCE(a.id, 0), COALESCE(a.name, ''), r.owner_appointed, r.contact, "
      "COALESCE(a.system_role, '') FROM repositories r LEFT JOIN accounts a ON a.id = r.owner_id WHERE r.id "
      "= ?",
      {repository_id});
  if (!rows) return rows.error();
  const db::Row& row = rows->at(0);
  return Current{row.integer(0), row.text(1), row.integer(2) != 0, row.text(3),
                 row.text(4) == "administrator"};
}

// Whoever `account` names, if they can answer for something.
Result<Owner> read_candidate(db::Session& session, std::string_view account) {
  // Bytes that are no name are not sent to the database, which may refuse them in its own way.
  const auto subject = parse_grant_subject(account);
  if (!subject || subject->is_team)
    return Error{Errc::not_found, fmt::format("there is no account named {}", oci::quote(account))};
  const auto rows =
      session.query("SELECT id, name, kind, state FROM accounts WHERE name = ?", {std::string(account)});
  if (!rows) return rows.error();
  if (rows->empty())
    return Error{Errc::not_found, fmt::format("there is no account named {}", oci::quote(account))};
  const db::Row& row = rows->front();
  if (row.text(2) != "person")
    return Error{Errc::invalid_argument,
                 fmt::format("{} is a robot; a repository's owner is a person", oci::quote(account))};
  if (row.text(3) != "active")
    return Error{Errc::invalid_argument,
                 fmt::format("the account {} is {}; a repository's owner is one who can log in",
                             oci::quote(account), row.text(3))};
  return Owner{row.integer(0), row.text(1)};
}

// Whoever `account` names, if an owner may give them the repository: whose its namespace is, or who belongs
// to the organization whose it is. One answer for everybody else, whether they are there or not.
Result<Owner> read_heir(db::Session& session, const Repository& repository, std::string_view account) {
  const Error nobody(
      Errc::not_found,
      fmt::format(
          "there is nobody named {} who could be the owner of {}: an owner gives a repository to an active "
          "member of the organization that it belongs to, or back to whose namespace it is in",
          oci::quote(account), oci::quote(repository.name.render())));
  const auto subject = parse_grant_subject(account);
  if (!subject || subject->is_team) return nobody;
  const auto rows = session.query(
      "SELECT a.id, a.name FROM accounts a JOIN namespaces n ON n.id = ? "
      "WHERE a.name = ? AND a.kind = 'person' AND a.state = 'active' AND (n.owner_id = a.id OR EXISTS "
      "(SELECT 1 FROM organization_members m WHERE m.organization_id = n.organization_id "
      "AND m.account_id = a.id))",
      {repository.namespace_id, std::string(account)});
  if (!rows) return rows.error();
  if (rows->empty()) return nobody;
  return Owner{rows->front().integer(0), rows->front().text(1)};
}

Result<Owner> first_owner(db::Session& session, const Principal& creator, std::int64_t namespace_id,
                          const oci::RepositoryName& name) {
  if (!creator.anonymous()) {
    const auto rows =
        session.query("SELECT id, name FROM accounts WHERE id = ? AND kind = 'person'", {creator.account_id});
    if (!rows) return rows.error();
    if (!rows->empty()) return Owner{rows->front().integer(0), rows->front().text(1)};
  }
  auto owner = read_namespace_owner(session, namespace_id);
  if (!owner) return owner.error();
  if (*owner) return **std::move(owner);
  return Error{Errc::conflict,
               fmt::format("nobody could be the owner of {}: its namespace has none; create an "
                           "administrator, or name an owner",
                           oci::quote(name.render()))};
}

}  // namespace

Result<void> check_contact(std::string_view contact) {
  if (!contact.empty() && contact.size() <= kLongestContact && contact.front() != ' ' &&
      contact.back() != ' ' && shows(contact))
    return {};
  return Error{
      Errc::invalid_argument,
      fmt::format("{} is no contact: one line of 1 to {} bytes that show, such as an e-mail address or "
                  "the name of a team",
                  oci::quote(contact), kLongestContact)};
}

Result<std::optional<Owner>> read_namespace_owner(db::Session& session, std::int64_t namespace_id) {
  const auto rows = session.query(
      "SELECT id, name FROM ("
      "SELECT a.id, a.name, a.state FROM namespaces n JOIN accounts a ON a.id = n.owner_id WHERE n.id = ? "
      "UNION ALL SELECT a.id, a.name, a.state FROM namespaces n "
      "JOIN organization_members m ON m.organization_id = n.organization_id AND m.role = 'owner' "
      "JOIN accounts a ON a.id = m.account_id WHERE n.id = ? "
      "UNION ALL SELECT a.id, a.name, a.state FROM namespaces n "
      "JOIN accounts a ON a.system_role = 'administrator' WHERE n.id = ? AND n.name = '') AS candidates "
      "ORDER BY CASE state WHEN 'active' THEN 0 ELSE 1 END, id LIMIT 1",
      {namespace_id, namespace_id, namespace_id});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Owner>();
  return std::optional(Owner{rows->front().integer(0), rows->front().text(1)});
}

Result<void> check_repository_count(db::Session& session, std::int64_t namespace_id, std::string_view name,
                                    std::int64_t most) {
  const auto rows = session.query("SELECT COUNT(*) FROM repositories WHERE namespace_id = ?", {namespace_id});
  if (!rows) return rows.error();
  if (rows->front().integer(0) < most) return {};
  return Error{Errc::quota_exceeded,
               fmt::format("the namespace {} has {} repositories, which is the most; delete one, or ask an "
                           "administrator to raise limits.repositories_per_namespace",
                           oci::quote(name), rows->front().integer(0))};
}

Result<std::shared_ptr<const Repository>> Facts::ensure(const oci::RepositoryName& name,
                                                        const Principal& creator,
                                                        const audit::Origin& origin) {
  if (auto known = state_->repositories.find(name.render()); known && *known) return *std::move(known);

  std::shared_ptr<const Repository> repository;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    auto made = state_->make(session, name, creator, origin);
    if (!made) return made.error();
    repository = *std::move(made);
    return {};
  });
  state_->repositories.forget(name.render());
  if (!done) return done.error();
  return repository;
}

Result<std::shared_ptr<const Repository>> Facts::create_for(const oci::RepositoryName& name,
                                                            std::string_view owner,
                                                            const audit::Origin& origin) {
  std::shared_ptr<const Repository> repository;
  std::vector<std::int64_t> touched;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    touched.clear();
    const auto candidate = read_candidate(session, owner);
    if (!candidate) return candidate.error();
    auto made = state_->make(session, name,
                             {.account_id = candidate->account_id, .account = candidate->account}, origin);
    if (!made) return made.error();
    repository = *std::move(made);
    return state_->put_owner(session, *repository, std::string(owner), {}, touched, origin);
  });
  state_->repositories.forget(name.render());
  for (const std::int64_t account_id : touched)
    if (repository) state_->repository_roles.forget(RepositoryKey{account_id, repository->id});
  if (!done) return done.error();
  return repository;
}

Result<std::shared_ptr<const Repository>> Facts::State::make(db::Session& session,
                                                             const oci::RepositoryName& name,
                                                             const Principal& creator,
                                                             const audit::Origin& origin) const {
  auto found = read_repository(session, name);
  if (!found || *found) return found;
  const std::string space(name.namespace_name());
  const auto rows = session.query("SELECT id FROM namespaces WHERE name = ?", {space});
  if (!rows) return rows.error();
  if (rows->empty()) return namespace_unknown(space);
  const std::int64_t namespace_id = rows->front().integer(0);
  if (auto fits = check_repository_count(session, namespace_id, space, limits.repositories); !fits)
    return fits.error();
  const auto owner = first_owner(session, creator, namespace_id, name);
  if (!owner) return owner.error();
  const auto inserted = session.execute(
      "INSERT INTO repositories (namespace_id, name, visibility, owner_id, contact, created_at) "
      "VALUES (?, ?, 'private', ?, ?, ?)",
      {namespace_id, name.render(), owner->account_id, owner->account, to_micros(clock.now())});
  if (!inserted) return inserted.error();
  if (auto recorded = record(session, audit::Action::repository_created, name.render(), owner->account,
                             "private", origin);
      !recorded)
    return recorded.error();
  return read_repository(session, name);
}

Result<void> Facts::State::put_owner(db::Session& session, const Repository& repository,
                                     const std::string& account, Namer namer,
                                     std::vector<std::int64_t>& touched, const audit::Origin& origin) const {
  const auto current = read_current(session, repository.id);
  if (!current) return current.error();
  if (current->appointed && current->owner == account) return {};
  const auto candidate = namer ? read_heir(session, repository, account) : read_candidate(session, account);
  if (!candidate) return candidate.error();
  if (current->owner_id == candidate->account_id && current->appointed) return {};
  const auto appointed = session.execute(
      "UPDATE repositories SET owner_id = ?, owner_appointed = 1, contact = ? WHERE id = ?",
      {candidate->account_id, current->contact == current->owner ? candidate->account : current->contact,
       repository.id});
  if (!appointed) return appointed.error();
  if (current->owner_id != 0) touched.push_back(current->owner_id);
  touched.push_back(candidate->account_id);
  return record(session, audit::Action::repository_owner_changed, repository.name.render(),
                candidate->account, current->owner, origin);
}

Result<void> Facts::State::settle_owner(db::Session& session, std::int64_t repository_id,
                                        std::int64_t namespace_id, const oci::RepositoryName& name,
                                        const audit::Origin& origin) const {
  const auto current = read_current(session, repository_id);
  if (!current) return current.error();
  if (current->owner_id != 0) {
    const Principal owner{.account_id = current->owner_id,
                          .account = current->owner,
                          .administrator = current->administrator,
                          .credential_version = 0};
    const auto role = read_role(session, owner, repository_id);
    if (!role) return role.error();
    if (*role != Role::none) return {};
  }
  const auto found = read_namespace_owner(session, namespace_id);
  if (!found) return found.error();
  if (!*found) return {};
  const Owner& owner = **found;
  const auto settled =
      session.execute("UPDATE repositories SET owner_id = ?, owner_appointed = 0, contact = ? WHERE id = ?",
                      {owner.account_id,
                       current->contact == current->owner ? owner.account : current->contact, repository_id});
  if (!settled) return settled.error();
  return record(session, audit::Action::repository_owner_changed, name.render(), owner.account,
                current->owner, origin);
}

Result<void> Facts::State::put_contact(db::Session& session, const Repository& repository,
                                       const std::string& contact, const audit::Origin& origin) const {
  const auto changed = session.execute("UPDATE repositories SET contact = ? WHERE id = ? AND contact <> ?",
                                       {contact, repository.id, contact});
  if (!changed) return changed.error();
  if (*changed == 0) return {};
  return record(session, audit::Action::repository_contact_changed, repository.name.render(), "", contact,
                origin);
}

Result<RepositoryDetails> Facts::details(const oci::RepositoryName& name) {
  std::optional<RepositoryDetails> details;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto repository = read_repository(session, name);
    if (!repository) return repository.error();
    if (*repository == nullptr) return repository_unknown(name);
    const auto rows = session.query(
        "SELECT r.protected_tags, COALESCE(a.name, ''), COALESCE(a.state, ''), r.contact, r.created_at "
        "FROM repositories r LEFT JOIN accounts a ON a.id = r.owner_id WHERE r.id = ?",
        {(*repository)->id});
    if (!rows) return rows.error();
    const db::Row& row = rows->at(0);
    details = RepositoryDetails{.repository = **repository,
                                .protected_tags = row.text(0),
                                .owner = row.text(1),
                                .owner_active = row.text(2) == "active",
                                .contact = row.text(3),
                                .created_at = from_micros(row.integer(4))};
    return {};
  });
  if (!done) return done.error();
  return *std::move(details);
}

}  // namespace bulkhead::access

#include "access/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "access/facts_state.h"
#include "audit/outbox.h"
#include "oci/quote.h"

namespace bulkhead::access {
namespace {

// The installation's own namespace belongs to its administrators. This is not kept in memory: the principal
// says it.
bool owns_installation(const Principal& principal, std::string_view namespace_name) {
  return principal.administrator && namespace_name.empty();
}

Role role_from(const db::Row& row, std::size_t column) {
  if (row.is_null(column)) return Role::none;
  const auto role = parse_role(row.text(column));
  return role ? *role : Role::none;
}

Result<Role> read_namespace_role(db::Session& session, std::int64_t account_id, std::string_view name) {
  const auto rows = session.query(
      "SELECT n.owner_id, g.role FROM namespaces n "
      "LEFT JOIN namespace_grants g ON g.namespace_id = n.id AND g.account_id = ? WHERE n.name = ?",
      {account_id, std::string(name)});
  if (!rows) return rows.error();
  if (rows->empty()) return Role::none;
  const db::Row& row = rows->front();
  return !row.is_null(0) && row.integer(0) == account_id ? Role::owner : role_from(row, 1);
}

Result<Role> read_repository_role(db::Session& session, std::int64_t account_id, std::int64_t repository_id) {
  const auto rows =
      session.query("SELECT role FROM repository_grants WHERE repository_id = ? AND account_id = ?",
                    {repository_id, account_id});
  if (!rows) return rows.error();
  return rows->empty() ? Role::none : role_from(rows->front(), 0);
}

Resolved resolved(std::shared_ptr<const Repository> repository, Role role, bool anonymous_pull) {
  Standing standing{.exists = repository != nullptr,
                    .visibility = repository ? repository->visibility : Visibility::private_,
                    .role = role,
                    .anonymous_pull = anonymous_pull};
  return {std::move(repository), standing};
}

}  // namespace

Error repository_unknown(const oci::RepositoryName& name) {
  return {Errc::name_unknown, fmt::format("there is no repository {}", oci::quote(name.render()))};
}

Error namespace_unknown(std::string_view name) {
  return {
      Errc::name_unknown,
      fmt::format("there is no namespace {}; creating an account of the name makes it", oci::quote(name))};
}

Result<std::shared_ptr<const Repository>> read_repository(db::Session& session,
                                                          const oci::RepositoryName& name) {
  const auto rows =
      session.query("SELECT id, namespace_id, visibility, immutable_tags FROM repositories WHERE name = ?",
                    {name.render()});
  if (!rows) return rows.error();
  if (rows->empty()) return std::shared_ptr<const Repository>();
  const db::Row& row = rows->front();
  return std::shared_ptr<const Repository>(
      new Repository{.id = row.integer(0),
                     .namespace_id = row.integer(1),
                     .name = name,
                     .visibility = row.text(2) == "public" ? Visibility::public_ : Visibility::private_,
                     .immutable_tags = row.text(3)});
}

Result<void> Facts::State::record(db::Session& session, audit::Action action, std::string_view repository,
                                  std::string_view target, std::string detail,
                                  const audit::Origin& origin) const {
  return audit::record(session, {.at = clock.now(),
                                 .action = action,
                                 .origin = origin,
                                 .repository = std::string(repository),
                                 .target = std::string(target),
                                 .old_digest = {},
                                 .new_digest = {},
                                 .detail = std::move(detail)});
}

Facts::Facts(db::Database& database, const Clock& clock, std::size_t cached, bool anonymous_pull)
    : state_(new State(database, clock, cached, anonymous_pull)) {}

Facts::~Facts() = default;

bool Facts::anonymous_pull() const { return state_->anonymous_pull; }

std::optional<Resolved> Facts::peek(const Principal& principal, const oci::RepositoryName& name) const {
  auto repository = state_->repositories.find(name.render());
  if (!repository) return std::nullopt;
  Role role = Role::none;
  if (!principal.anonymous()) {
    const std::string_view space = name.namespace_name();
    const auto in_namespace =
        owns_installation(principal, space)
            ? Role::owner
            : state_->namespace_roles.find(NamespaceKey<std::string_view>{principal.account_id, space});
    if (!in_namespace) return std::nullopt;
    role = *in_namespace;
    if (*repository && role != Role::owner) {
      const auto granted =
          state_->repository_roles.find(RepositoryKey{principal.account_id, (*repository)->id});
      if (!granted) return std::nullopt;
      role = std::max(role, *granted);
    }
  }
  return resolved(*std::move(repository), role, state_->anonymous_pull);
}

Result<Resolved> Facts::resolve(const Principal& principal, const oci::RepositoryName& name) {
  if (auto known = peek(principal, name)) return *std::move(known);

  const auto repository_ticket = state_->repositories.begin();
  const auto namespace_ticket = state_->namespace_roles.begin();
  const auto grant_ticket = state_->repository_roles.begin();
  const std::string_view space = name.namespace_name();
  std::shared_ptr<const Repository> repository;
  Role in_namespace = Role::none;
  Role in_repository = Role::none;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    auto found = read_repository(session, name);
    if (!found) return found.error();
    repository = *std::move(found);
    if (principal.anonymous()) return {};
    const auto role = read_namespace_role(session, principal.account_id, space);
    if (!role) return role.error();
    in_namespace = *role;
    if (!repository) return {};
    const auto granted = read_repository_role(session, principal.account_id, repository->id);
    if (!granted) return granted.error();
    in_repository = *granted;
    return {};
  });
  if (!done) return done.error();

  state_->repositories.put(repository_ticket, name.render(), repository);
  if (!principal.anonymous()) {
    state_->namespace_roles.put(namespace_ticket, {principal.account_id, std::string(space)}, in_namespace);
    if (repository)
      state_->repository_roles.put(grant_ticket, {principal.account_id, repository->id}, in_repository);
  }
  const Role role = owns_installation(principal, space) ? Role::owner : std::max(in_namespace, in_repository);
  return resolved(std::move(repository), role, state_->anonymous_pull);
}

Result<std::shared_ptr<const Repository>> Facts::ensure(const oci::RepositoryName& name,
                                                        const audit::Origin& origin) {
  if (auto known = state_->repositories.find(name.render()); known && *known) return *std::move(known);

  std::shared_ptr<const Repository> repository;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    auto found = read_repository(session, name);
    if (!found) return found.error();
    repository = *std::move(found);
    if (repository) return {};
    const auto inserted = session.execute(
        "INSERT INTO repositories (namespace_id, name, visibility, created_at) "
        "SELECT id, ?, 'private', ? FROM namespaces WHERE name = ?",
        {name.render(), to_micros(state_->clock.now()), std::string(name.namespace_name())});
    if (!inserted) return inserted.error();
    if (*inserted == 0) return namespace_unknown(name.namespace_name());
    auto created = read_repository(session, name);
    if (!created) return created.error();
    repository = *std::move(created);
    return state_->record(session, audit::Action::repository_created, name.render(), "", "private", origin);
  });
  state_->repositories.forget(name.render());
  if (!done) return done.error();
  return repository;
}

}  // namespace bulkhead::access

#include "access/facts.h"

#include <fmt/format.h>

#include <utility>

#include "access/facts_state.h"
#include "audit/outbox.h"
#include "oci/quote.h"

namespace bulkhead::access {
namespace {

// `space` is that of an absent repository, where somebody has a role in it; one that exists knows its own.
Resolved resolved(std::shared_ptr<const Repository> repository, Role role, bool anonymous_pull,
                  const Space& space, std::string_view lacking) {
  Standing standing{.exists = repository != nullptr,
                    .visibility = repository ? repository->visibility : Visibility::private_,
                    .role = lacking.empty() ? role : Role::none,
                    .anonymous_pull = anonymous_pull,
                    .namespace_id = repository ? repository->namespace_id : space.id,
                    .repository_id = repository ? repository->id : 0,
                    .lacking = lacking};
  return {std::move(repository), standing};
}

std::int64_t organization_of(const std::shared_ptr<const Repository>& repository, const Space& space) {
  return repository ? repository->organization_id : space.organization_id;
}

Result<Space> read_space(db::Session& session, std::string_view name) {
  const auto rows = session.query("SELECT id, COALESCE(organization_id, 0) FROM namespaces WHERE name = ?",
                                  {std::string(name)});
  if (!rows) return rows.error();
  if (rows->empty()) return Space{};
  return Space{rows->front().integer(0), rows->front().integer(1)};
}

}  // namespace

Error repository_unknown(const oci::RepositoryName& name) {
  return {Errc::name_unknown, fmt::format("there is no repository {}", oci::quote(name.render()))};
}

Error namespace_unknown(std::string_view name) {
  const auto possible = identity::parse_account_name(name);
  if (!possible)
    return {Errc::name_unknown, fmt::format("there is no namespace {}, and there can be none: {}",
                                            oci::quote(name), possible.error().message)};
  return {Errc::name_unknown,
          fmt::format("there is no namespace {}; creating an account or an organization of the name makes it",
                      oci::quote(name))};
}

Result<std::shared_ptr<const Repository>> read_repository(db::Session& session,
                                                          const oci::RepositoryName& name) {
  const auto rows = session.query(
      "SELECT r.id, r.namespace_id, r.visibility, r.immutable_tags, COALESCE(n.organization_id, 0) "
      "FROM repositories r JOIN namespaces n ON n.id = r.namespace_id WHERE r.name = ?",
      {name.render()});
  if (!rows) return rows.error();
  if (rows->empty()) return std::shared_ptr<const Repository>();
  const db::Row& row = rows->front();
  return std::shared_ptr<const Repository>(
      new Repository{.id = row.integer(0),
                     .namespace_id = row.integer(1),
                     .organization_id = row.integer(4),
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

std::optional<std::string_view> Facts::State::peek_lacking(const Principal& principal,
                                                           std::int64_t organization_id) const {
  if (organization_id == 0) return std::string_view();
  const auto policy = policies.peek_organization(organization_id);
  if (policy == nullptr) return std::nullopt;
  return policy->lacking(principal.proof, principal.address);
}

Result<std::string_view> Facts::State::lacking(const Principal& principal, std::int64_t organization_id) {
  if (organization_id == 0) return std::string_view();
  const auto policy = policies.of_organization(organization_id);
  if (!policy) return policy.error();
  return (*policy)->lacking(principal.proof, principal.address);
}

Facts::Facts(db::Database& database, identity::Accounts& accounts, identity::Policies& policies,
             const Clock& clock, std::size_t cached, bool anonymous_pull, Limits limits)
    : state_(new State(database, accounts, policies, clock, cached, anonymous_pull, limits)) {}

Facts::~Facts() = default;

bool Facts::anonymous_pull() const { return state_->anonymous_pull; }

RepositoryKey Facts::State::role_key(const Principal& principal, const Repository* repository,
                                     const oci::RepositoryName& name) const {
  if (repository != nullptr) return {principal.account_id, repository->id};
  return {principal.account_id, -1 - static_cast<std::int64_t>(absent(name.render()) >> 1)};
}

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
    if (role != Role::owner) {
      const auto in_repository =
          state_->repository_roles.find(state_->role_key(principal, repository->get(), name));
      if (!in_repository) return std::nullopt;
      role = combine(role, *in_repository);
    }
  }
  if (role == Role::none) return resolved(*std::move(repository), role, state_->anonymous_pull, {}, {});
  Space space;
  if (!*repository) {
    const auto known = state_->spaces.find(name.namespace_name());
    if (!known) return std::nullopt;
    space = *known;
  }
  const auto lacking = state_->peek_lacking(principal, organization_of(*repository, space));
  if (!lacking) return std::nullopt;
  return resolved(*std::move(repository), role, state_->anonymous_pull, space, *lacking);
}

Result<Resolved> Facts::resolve(const Principal& principal, const oci::RepositoryName& name) {
  if (auto known = peek(principal, name)) return *std::move(known);

  const auto repository_ticket = state_->repositories.begin();
  const auto namespace_ticket = state_->namespace_roles.begin();
  const auto role_ticket = state_->repository_roles.begin();
  const auto space_ticket = state_->spaces.begin();
  const std::string_view space_name = name.namespace_name();
  std::shared_ptr<const Repository> repository;
  Role in_namespace = Role::none;
  RepositoryRole in_repository;
  Space space;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    auto found = read_repository(session, name);
    if (!found) return found.error();
    repository = *std::move(found);
    if (principal.anonymous()) return {};
    const auto role = read_namespace_role(session, principal.account_id, space_name);
    if (!role) return role.error();
    in_namespace = *role;
    // The same is asked of what is there and of what is not, so that the time does not tell them apart.
    const auto found_space = read_space(session, space_name);
    if (!found_space) return found_space.error();
    space = *found_space;
    const auto found_role =
        read_repository_role(session, principal.account_id, repository ? repository->id : 0);
    if (!found_role) return found_role.error();
    in_repository = *found_role;
    return {};
  });
  if (!done) return done.error();

  state_->repositories.put(repository_ticket, name.render(), repository);
  // Namespaces that are made later come without passing here, so only those that exist are remembered.
  if (space.id != 0) state_->spaces.put(space_ticket, std::string(space_name), space);
  if (!principal.anonymous()) {
    state_->namespace_roles.put(namespace_ticket, {principal.account_id, std::string(space_name)},
                                in_namespace);
    state_->repository_roles.put(role_ticket, state_->role_key(principal, repository.get(), name),
                                 in_repository);
  }
  const Role role =
      owns_installation(principal, space_name) ? Role::owner : combine(in_namespace, in_repository);
  if (role == Role::none) return resolved(std::move(repository), role, state_->anonymous_pull, {}, {});
  const auto lacking = state_->lacking(principal, organization_of(repository, space));
  if (!lacking) return lacking.error();
  return resolved(std::move(repository), role, state_->anonymous_pull, space, *lacking);
}

Result<std::int64_t> Facts::namespace_of(const oci::RepositoryName& name, bool to_be_made) {
  const std::string space(name.namespace_name());
  std::int64_t id = 0;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query("SELECT id FROM namespaces WHERE name = ?", {space});
    if (!rows) return rows.error();
    if (rows->empty()) return namespace_unknown(space);
    id = rows->front().integer(0);
    return to_be_made ? check_repository_count(session, id, space, state_->limits.repositories)
                      : Result<void>();
  });
  if (!done) return done.error();
  return id;
}

void Facts::forget_roles() {
  state_->namespace_roles.forget_all();
  state_->repository_roles.forget_all();
  state_->repositories.forget_all();
  state_->spaces.forget_all();
}

}  // namespace bulkhead::access

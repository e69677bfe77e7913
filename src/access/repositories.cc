// The part of Facts that changes repositories.

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "access/facts_state.h"
#include "identity/people/robots.h"
#include "oci/quote.h"

namespace bulkhead::access {
namespace {

constexpr std::size_t kLongestPattern = 128;  // a tag's length

Result<void> check_pattern(std::string_view pattern) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-*").find(c) != std::string_view::npos;
  };
  if (pattern.size() <= kLongestPattern && std::ranges::all_of(pattern, fits)) return {};
  return Error{
      Errc::invalid_argument,
      fmt::format(
          "{} is no pattern of tags: at most {} characters of a-z, A-Z, 0-9, '.', '_', '-', and '*' for "
          "any run of characters",
          oci::quote(pattern), kLongestPattern)};
}

// Whether tags may be let go that were held before. Patterns are not compared any further: what holds all
// holds what any other does.
bool loosens(std::string_view before, std::string_view after) { return !before.empty() && after != "*"; }

// What the repository's blobs and manifests count for in its namespace's use.
Result<std::int64_t> read_use(db::Session& session, std::int64_t repository_id) {
  const auto rows = session.query("SELECT used_bytes FROM repositories WHERE id = ?", {repository_id});
  if (!rows) return rows.error();
  return rows->at(0).integer(0);
}

Result<void> add_use(db::Session& session, std::int64_t namespace_id, std::int64_t bytes) {
  const auto done = session.execute("UPDATE namespaces SET used_bytes = used_bytes + ? WHERE id = ?",
                                    {bytes, namespace_id});
  if (!done) return done.error();
  return {};
}

Result<void> check_no_robots(db::Session& session, const Repository& repository) {
  const auto rows = session.query(
      "SELECT a.name FROM robots b JOIN accounts a ON a.id = b.account_id WHERE b.repository_id = ? "
      "ORDER BY a.name LIMIT 1",
      {repository.id});
  if (!rows) return rows.error();
  if (rows->empty()) return {};
  return Error{Errc::conflict,
               fmt::format("the robot {} belongs to {}; delete it, and others of the kind, first",
                           rows->front().text(0), repository.name.render())};
}

struct Namespace {
  std::int64_t id = 0;
  std::optional<std::int64_t> quota;
  std::int64_t used = 0;
};

Result<Namespace> read_namespace(db::Session& session, std::string_view name) {
  const auto rows =
      session.query("SELECT id, quota_bytes, used_bytes FROM namespaces WHERE name = ?", {std::string(name)});
  if (!rows) return rows.error();
  if (rows->empty()) return namespace_unknown(name);
  const db::Row& row = rows->front();
  return Namespace{row.integer(0), row.is_null(1) ? std::nullopt : std::optional(row.integer(1)),
                   row.integer(2)};
}

// The namespaces' accounts of what they hold, when the repository goes from one to the other.
Result<void> move_use(db::Session& session, const Repository& repository, const Namespace& to) {
  const auto bytes = read_use(session, repository.id);
  if (!bytes) return bytes.error();
  if (to.quota && *bytes > *to.quota - to.used)
    return Error{Errc::quota_exceeded,
                 fmt::format("{} holds {} bytes, which do not fit where it is to go: the quota there is {} "
                             "bytes, of which {} are in use",
                             repository.name.render(), *bytes, *to.quota, to.used)};
  if (auto lowered = add_use(session, repository.namespace_id, -*bytes); !lowered) return lowered;
  return add_use(session, to.id, *bytes);
}

std::string_view name_of(Visibility visibility) {
  return visibility == Visibility::public_ ? "public" : "private";
}

}  // namespace

Result<void> Facts::State::change(const oci::RepositoryName& name, const RepositoryWork& work) {
  const auto done = database.write([&](db::Session& session) -> Result<void> {
    const auto repository = read_repository(session, name);
    if (!repository) return repository.error();
    if (*repository == nullptr) return repository_unknown(name);
    return work(session, **repository);
  });
  // Also after an error: a commit whose answer was lost on the way is a commit all the same.
  repositories.forget(name.render());
  return done;
}

Result<void> Facts::State::rename_robots(db::Session& session, std::int64_t repository_id,
                                         const oci::RepositoryName& name, std::vector<std::int64_t>& renamed,
                                         const audit::Origin& origin) const {
  renamed.clear();
  const auto robots = session.query(
      "SELECT a.id, a.name FROM robots b JOIN accounts a ON a.id = b.account_id WHERE b.repository_id = ? "
      "ORDER BY a.id",
      {repository_id});
  if (!robots) return robots.error();
  for (const db::Row& robot : *robots) {
    const std::string& before = robot.text(1);
    const std::string after = identity::robot_name(name.namespace_name(), identity::robot_short_name(before));
    const auto other = session.query("SELECT 1 FROM accounts WHERE name = ?", {after});
    if (!other) return other.error();
    if (!other->empty())
      return Error{Errc::conflict,
                   fmt::format("the repository's robot {} would be named {}, which there is already; delete "
                               "one of the two first",
                               oci::quote(before), oci::quote(after))};
    const auto done = session.execute("UPDATE accounts SET name = ? WHERE id = ?", {after, robot.integer(0)});
    if (!done) return done.error();
    renamed.push_back(robot.integer(0));
    if (auto recorded = record(session, audit::Action::account_renamed, name.render(), before, after, origin);
        !recorded)
      return recorded;
  }
  return {};
}

Result<void> Facts::State::put_pattern(db::Session& session, const Repository& repository,
                                       std::string_view column, const std::string& pattern, bool may_loosen,
                                       const audit::Origin& origin) const {
  const auto rows =
      session.query(fmt::format("SELECT {} FROM repositories WHERE id = ?", column), {repository.id});
  if (!rows) return rows.error();
  const std::string& before = rows->at(0).text(0);
  if (before == pattern) return {};
  if (!may_loosen && loosens(before, pattern))
    return Error{
        Errc::denied,
        fmt::format("tags that match \"{}\" are held fast in {}; what holds fewer of them, or others, is "
                    "for an owner to set",
                    before, repository.name.render())};
  const auto changed =
      session.execute(fmt::format("UPDATE repositories SET {} = ?, holds = holds + 1 WHERE id = ?", column),
                      {pattern, repository.id});
  if (!changed) return changed.error();
  // Patterns need no escaping.
  return record(session, audit::Action::repository_policy_changed, repository.name.render(), "",
                fmt::format(R"({{"{}":"{}"{}}})", column, pattern,
                            before.empty() ? "" : fmt::format(R"(,"before":"{}")", before)),
                origin);
}

Result<void> Facts::State::put_visibility(db::Session& session, const Repository& repository,
                                          Visibility visibility, const audit::Origin& origin) const {
  if (repository.visibility == visibility) return {};
  const std::string text(name_of(visibility));
  const auto done =
      session.execute("UPDATE repositories SET visibility = ? WHERE id = ?", {text, repository.id});
  if (!done) return done.error();
  return record(session, audit::Action::repository_visibility_changed, repository.name.render(), "", text,
                origin);
}

Result<void> Facts::change(const oci::RepositoryName& name, const RepositoryChanges& changes,
                           const Changer& changer, const audit::Origin& origin) {
  for (const auto* pattern : {&changes.immutable_tags, &changes.protected_tags})
    if (*pattern)
      if (const auto valid = check_pattern(**pattern); !valid) return valid.error();
  if (changes.contact)
    if (const auto valid = check_contact(*changes.contact); !valid) return valid.error();
  std::int64_t repository_id = 0;
  std::vector<std::int64_t> touched;
  const auto done =
      state_->change(name, [&](db::Session& session, const Repository& repository) -> Result<void> {
        repository_id = repository.id;
        touched.clear();
        Result<void> put;
        if (changes.owner)
          put = state_->put_owner(session, repository, *changes.owner, changer.namer, touched, origin);
        if (put && changes.contact) put = state_->put_contact(session, repository, *changes.contact, origin);
        if (put && changes.visibility)
          put = state_->put_visibility(session, repository, *changes.visibility, origin);
        if (put && changes.immutable_tags)
          put = state_->put_pattern(session, repository, "immutable_tags", *changes.immutable_tags,
                                    changer.may_loosen, origin);
        if (put && changes.protected_tags)
          put = state_->put_pattern(session, repository, "protected_tags", *changes.protected_tags,
                                    changer.may_loosen, origin);
        return put;
      });
  for (const std::int64_t account_id : touched)
    state_->repository_roles.forget(RepositoryKey{account_id, repository_id});
  return done;
}

Result<void> Facts::set_quota(std::string_view namespace_name, std::optional<std::uint64_t> bytes,
                              const audit::Origin& origin) {
  if (bytes && *bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return Error{Errc::invalid_argument,
                 fmt::format("a quota of {} bytes is more than can be counted", *bytes)};
  if (!namespace_name.empty() && !oci::RepositoryName::parse(namespace_name))
    return namespace_unknown(namespace_name);
  const db::Value quota = bytes ? db::Value(static_cast<std::int64_t>(*bytes)) : db::Value();
  return state_->database.write([&](db::Session& session) -> Result<void> {
    const auto done = session.execute("UPDATE namespaces SET quota_bytes = ? WHERE name = ?",
                                      {quota, std::string(namespace_name)});
    if (!done) return done.error();
    if (*done == 0) return namespace_unknown(namespace_name);
    return state_->record(session, audit::Action::namespace_quota_changed, "",
                          fmt::format("{}/", namespace_name), bytes ? fmt::to_string(*bytes) : "none",
                          origin);
  });
}

Result<void> Facts::rename(const oci::RepositoryName& from, const oci::RepositoryName& to, Robots going,
                           const audit::Origin& origin) {
  const Error taken(Errc::conflict, fmt::format("there is a repository {} already; choose another name",
                                                oci::quote(to.render())));
  std::vector<std::int64_t> robots;
  const auto done =
      state_->change(from, [&](db::Session& session, const Repository& repository) -> Result<void> {
        if (from == to) return {};
        const auto other = read_repository(session, to);
        if (!other) return other.error();
        if (*other) return taken;
        const auto space = read_namespace(session, to.namespace_name());
        if (!space) return space.error();
        const bool moves = space->id != repository.namespace_id;
        if (moves) {
          if (going == Robots::stay_out)
            if (auto without = check_no_robots(session, repository); !without) return without;
          if (auto fits = check_repository_count(session, space->id, to.namespace_name(),
                                                 state_->limits.repositories);
              !fits)
            return fits;
          if (auto moved = move_use(session, repository, *space); !moved) return moved;
        }
        const auto renamed =
            session.execute("UPDATE repositories SET name = ?, namespace_id = ? WHERE id = ?",
                            {to.render(), space->id, repository.id});
        if (!renamed) return renamed.error();
        if (auto recorded = state_->record(session, audit::Action::repository_renamed, from.render(),
                                           to.render(), {}, origin);
            !recorded)
          return recorded;
        if (!moves) return {};
        if (auto named = state_->rename_robots(session, repository.id, to, robots, origin); !named)
          return named;
        return state_->settle_owner(session, repository.id, space->id, to, origin);
      });
  state_->repositories.forget(to.render());
  for (const std::int64_t robot : robots) state_->accounts.forget(robot);
  // Its robots may have come to another organization.
  state_->policies.forget();
  // Of the owner who may have been settled; renaming is rare.
  state_->repository_roles.forget_all();
  return done;
}

// In a few statements, however much the repository holds: its tags, manifests and links follow in steps of
// their own (registry/removed.h), which nothing finds meanwhile.
Result<void> Facts::remove(const oci::RepositoryName& name, const audit::Origin& origin) {
  return state_->change(name, [&](db::Session& session, const Repository& repository) -> Result<void> {
    if (auto without = check_no_robots(session, repository); !without) return without;
    const auto bytes = read_use(session, repository.id);
    if (!bytes) return bytes.error();
    if (auto lowered = add_use(session, repository.namespace_id, -*bytes); !lowered) return lowered;
    for (const std::string_view sql : {"DELETE FROM repository_grants WHERE repository_id = ?",
                                       "DELETE FROM team_repository_grants WHERE repository_id = ?"}) {
      if (const auto done = session.execute(sql, {repository.id}); !done) return done.error();
    }
    const auto removed = session.execute(
        "UPDATE repositories SET name = ?, namespace_id = (SELECT id FROM namespaces WHERE name = ?), "
        "visibility = 'private', immutable_tags = '', protected_tags = '', owner_id = NULL, "
        "owner_appointed = 0, contact = '', removed_at = ? WHERE id = ?",
        {fmt::format("{}/{}", kRemovedNamespace, repository.id), std::string(kRemovedNamespace),
         to_micros(state_->clock.now()), repository.id});
    if (!removed) return removed.error();
    return state_->record(session, audit::Action::repository_deleted, name.render(), "", {}, origin);
  });
}

}  // namespace bulkhead::access

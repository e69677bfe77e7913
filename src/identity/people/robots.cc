#include "identity/people/robots.h"

#include <fmt/format.h>

#include "identity/people/account_rows.h"
#include "identity/people/organization_rows.h"
#include "identity/people/paging.h"
#include "identity/people/profile.h"
#include "identity/people/removal.h"
#include "oci/name.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

// What stands before the '+' for a repository of the installation's own namespace; reserved, so that no
// organization has it.
constexpr std::string_view kOfficial = "library";

constexpr std::string_view kFrom =
    "robots r JOIN accounts a ON a.id = r.account_id LEFT JOIN accounts c ON c.id = r.created_by "
    "LEFT JOIN organizations o ON o.id = r.organization_id LEFT JOIN repositories p ON p.id = "
    "r.repository_id";

std::string select(std::string_view condition) {
  return fmt::format(
      "SELECT {}, r.organization_id, r.repository_id, COALESCE(o.name, p.name), r.description, "
      "COALESCE(c.name, '') FROM {} WHERE {}",
      kAccountColumns, kFrom, condition);
}

std::optional<std::int64_t> nullable(const db::Row& row, std::size_t column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.integer(column));
}

Robot robot_from(const db::Row& row) {
  constexpr std::size_t kNext = kAccountColumnCount;
  return {.account = account_from(row),
          .organization_id = nullable(row, kNext),
          .repository_id = nullable(row, kNext + 1),
          .belongs_to = row.text(kNext + 2),
          .description = row.text(kNext + 3),
          .created_by = row.text(kNext + 4)};
}

Error no_robot(std::string_view which) {
  return {Errc::not_found, fmt::format("there is no robot {}", which)};
}

Result<Robot> read_robot(db::Session& session, std::int64_t account_id) {
  const auto rows = session.query(select("a.id = ?"), {account_id});
  if (!rows) return rows.error();
  if (rows->empty()) return no_robot(fmt::format("number {}", account_id));
  return robot_from(rows->front());
}

Result<std::vector<Robot>> robots_from(const Result<std::vector<db::Row>>& rows) {
  if (!rows) return rows.error();
  std::vector<Robot> robots;
  for (const db::Row& row : *rows) robots.push_back(robot_from(row));
  return robots;
}

// What a new robot belongs to.
struct Place {
  std::optional<std::int64_t> organization_id;
  std::optional<std::int64_t> repository_id;
  std::string space;       // the name of the namespace
  std::string repository;  // its name, for the evidence
};

Result<void> check_room(db::Session& session, const std::string& space, std::int64_t most) {
  const auto rows = session.query(
      "SELECT COUNT(*) FROM robots WHERE organization_id = (SELECT organization_id FROM namespaces WHERE "
      "name "
      "= ?) OR repository_id IN (SELECT r.id FROM repositories r JOIN namespaces n ON n.id = r.namespace_id "
      "WHERE n.name = ?)",
      {space, space});
  if (!rows) return rows.error();
  if (rows->front().integer(0) < most) return {};
  return Error{Errc::conflict,
               fmt::format("{}/ has {} robots, those of its repositories included, the most there may be; "
                           "delete some, or raise limits.robots_per_namespace",
                           space, most)};
}

db::Value value(std::optional<std::int64_t> id) { return id ? db::Value(*id) : db::Value(); }

Result<Robot> insert(Change& change, const Place& place, std::string_view short_name,
                     const std::string& description, std::optional<std::int64_t> creator, std::int64_t most) {
  const std::string name = robot_name(place.space, short_name);
  const auto taken = change.session.query("SELECT 1 FROM accounts WHERE name = ?", {name});
  if (!taken) return taken.error();
  if (!taken->empty())
    return Error{Errc::conflict,
                 fmt::format("there is a robot named {} already; choose another name", oci::quote(name))};
  if (const auto room = check_room(change.session, place.space, most); !room) return room.error();
  const auto rows = change.session.query(
      "INSERT INTO accounts (name, kind, state, password_hash, created_at) VALUES (?, 'robot', 'active', '', "
      "?) "
      "RETURNING id",
      {name, to_micros(change.now)});
  if (!rows) return rows.error();
  const std::int64_t id = rows->at(0).integer(0);
  const auto made = change.execute(
      "INSERT INTO robots (account_id, organization_id, repository_id, description, created_by) "
      "VALUES (?, ?, ?, ?, ?)",
      {id, value(place.organization_id), value(place.repository_id), description, value(creator)});
  if (!made) return made.error();
  if (const auto recorded = change.record(audit::Action::robot_created, name, {}, place.repository);
      !recorded)
    return recorded.error();
  return read_robot(change.session, id);
}

using FindPlace = std::function<Result<Place>(db::Session&)>;

Result<Robot> create(const Directory& directory, std::string_view name, std::string_view description,
                     std::optional<std::int64_t> creator, const audit::Origin& origin, std::int64_t most,
                     const FindPlace& find_place) {
  const auto short_name = parse_component(name, "a robot's name");
  if (!short_name) return short_name.error();
  const auto purpose = parse_description(description);
  if (!purpose) return purpose.error();
  std::optional<Robot> robot;
  const auto done = directory.change(origin, [&](Change& change) -> Result<void> {
    const auto place = find_place(change.session);
    if (!place) return place.error();
    auto inserted = insert(change, *place, *short_name, *purpose, creator, most);
    if (!inserted) return inserted.error();
    robot = *std::move(inserted);
    return {};
  });
  if (!done) return done.error();
  return *std::move(robot);
}

}  // namespace

std::string robot_name(std::string_view space, std::string_view short_name) {
  return fmt::format("{}+{}", space.empty() ? kOfficial : space, short_name);
}

std::string_view robot_short_name(std::string_view name) { return name.substr(name.find('+') + 1); }

Result<Robot> Robots::create_for_organization(std::int64_t organization_id, std::string_view name,
                                              std::string_view description,
                                              std::optional<std::int64_t> creator,
                                              const audit::Origin& origin) {
  return create(directory_, name, description, creator, origin, most_,
                [&](db::Session& session) -> Result<Place> {
                  const auto organization = read_organization(session, organization_id);
                  if (!organization) return organization.error();
                  return Place{organization_id, {}, organization->name, {}};
                });
}

Result<Robot> Robots::create_for_repository(std::int64_t repository_id, std::string_view name,
                                            std::string_view description, std::optional<std::int64_t> creator,
                                            const audit::Origin& origin) {
  return create(
      directory_, name, description, creator, origin, most_, [&](db::Session& session) -> Result<Place> {
        const auto rows = session.query("SELECT name FROM repositories WHERE id = ? AND removed_at IS NULL",
                                        {repository_id});
        if (!rows) return rows.error();
        if (rows->empty())
          return Error{Errc::name_unknown, fmt::format("there is no repository number {}", repository_id)};
        const auto repository = oci::RepositoryName::parse(rows->front().text(0));
        if (!repository) return repository.error();
        return Place{{}, repository_id, std::string(repository->namespace_name()), repository->render()};
      });
}

Result<Robot> Robots::find(std::int64_t account_id) const {
  const auto row =
      directory_.read_row(select("a.id = ?"), {account_id}, no_robot(fmt::format("number {}", account_id)));
  if (!row) return row.error();
  return robot_from(*row);
}

Result<Robot> Robots::find(std::string_view name) const {
  const Error absent = no_robot(fmt::format("named {}", oci::quote(name)));
  // Bytes that are no name are not sent to the database, which may refuse them in its own way.
  if (!is_account_name(name)) return absent;
  const auto row = directory_.read_row(select("a.name = ?"), {std::string(name)}, absent);
  if (!row) return row.error();
  return robot_from(*row);
}

Result<std::vector<Robot>> Robots::of_organization(std::int64_t organization_id, std::string_view after,
                                                   std::size_t limit) const {
  return robots_from(
      directory_.read_rows(select("r.organization_id = ? AND a.name > ? ORDER BY a.name LIMIT ?"),
                           {organization_id, comparable_name(after), sql_limit(limit)}));
}

Result<std::vector<Robot>> Robots::of_repository(std::int64_t repository_id, std::string_view after,
                                                 std::size_t limit) const {
  return robots_from(
      directory_.read_rows(select("r.repository_id = ? AND a.name > ? ORDER BY a.name LIMIT ?"),
                           {repository_id, comparable_name(after), sql_limit(limit)}));
}

Result<void> Robots::set_enabled(std::int64_t account_id, bool enabled, Accounts::Lock lock,
                                 const audit::Origin& origin) {
  const auto robot = find(account_id);
  if (!robot) return robot.error();
  const AccountState state = enabled ? AccountState::active : AccountState::disabled;
  return directory_.accounts().set_state(robot->account.name, state, origin, lock);
}

Result<void> Robots::remove(std::int64_t account_id, const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto robot = read_robot(change.session, account_id);
    if (!robot) return robot.error();
    if (const auto erased = erase_account(change, account_id); !erased) return erased.error();
    change.forget(account_id);
    return change.record(audit::Action::robot_deleted, robot->account.name, {},
                         robot->repository_id ? robot->belongs_to : std::string());
  });
}

}  // namespace bulkhead::identity

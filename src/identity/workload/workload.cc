#include "identity/workload/workload.h"

#include <fmt/format.h>

#include <optional>

#include "audit/outbox.h"
#include "base/log.h"

namespace bulkhead::identity {
namespace {

struct Robot {
  std::string name;
  bool active = false;
  std::int64_t credential_version = 0;
};

Result<Robot> read_robot(db::Session& session, std::int64_t id) {
  const auto rows = session.query(
      "SELECT name, state, credential_version FROM accounts WHERE id = ? AND kind = 'robot'", {id});
  if (!rows) return rows.error();
  if (rows->empty()) return Error{Errc::not_found, "there is no such robot"};
  const db::Row& row = rows->front();
  return Robot{row.text(0), row.text(1) == "active", row.integer(2)};
}

std::string describe(const WorkloadTrust& trust) {
  return fmt::format(R"({{"trust":{},"name":{},"issuer":{},"audience":{},"claims":{}}})", trust.id,
                     json_quote(trust.name), json_quote(trust.issuer), json_quote(trust.audience),
                     render_rule(trust.rule));
}

}  // namespace

Workload::Workload(db::Database& database, IssuerKeys& keys, audit::Journal& journal, const Clock& clock,
                   RobotChanged robot_changed, Options options)
    : database_(database),
      keys_(keys),
      journal_(journal),
      clock_(clock),
      robot_changed_(std::move(robot_changed)),
      options_(options) {}

Result<void> Workload::record(db::Session& session, audit::Action action, Time now, std::string_view robot,
                              std::string detail, const audit::Origin& origin) const {
  return audit::record(session, {.at = now,
                                 .action = action,
                                 .origin = origin,
                                 .repository = {},
                                 .target = std::string(robot),
                                 .old_digest = {},
                                 .new_digest = {},
                                 .detail = std::move(detail)});
}

Result<WorkloadTrust> Workload::create(const NewWorkloadTrust& wanted, const audit::Origin& origin) {
  const auto complete = complete_trust(wanted, keys_.plain_hosts());
  if (!complete) return complete.error();
  std::optional<WorkloadTrust> made;
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    const auto robot = read_robot(session, complete->robot_id);
    if (!robot) return robot.error();
    const auto count =
        session.query("SELECT COUNT(*) FROM workload_trusts WHERE robot_id = ?", {complete->robot_id});
    if (!count) return count.error();
    if (count->front().integer(0) >= static_cast<std::int64_t>(options_.trusts_per_robot))
      return Error{Errc::quota_exceeded,
                   fmt::format("{} has {} trusts, the most a robot may have; remove one first", robot->name,
                               options_.trusts_per_robot)};
    const Time now = clock_.now();
    const auto id = insert_trust(session, *complete, now);
    if (!id) return id.error();
    auto stored = read_trust(session, *id);
    if (!stored) return stored.error();
    made = std::move(stored->front());
    return record(session, audit::Action::workload_trust_created, now, robot->name, describe(*made), origin);
  });
  if (!done) return done.error();
  return *std::move(made);
}

Result<std::vector<WorkloadTrust>> Workload::list(std::int64_t robot_id) {
  std::vector<WorkloadTrust> trusts;
  const auto done = database_.read([&](db::Session& session) -> Result<void> {
    auto found = read_trusts_of(session, robot_id);
    if (!found) return found.error();
    trusts = *std::move(found);
    return {};
  });
  if (!done) return done.error();
  return trusts;
}

Result<void> Workload::remove(std::int64_t robot_id, std::int64_t trust_id, const audit::Origin& origin) {
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    const auto robot = read_robot(session, robot_id);
    if (!robot) return robot.error();
    const auto found = read_trust(session, trust_id);
    if (!found) return found.error();
    if (found->empty() || found->front().robot_id != robot_id)
      return Error{Errc::not_found, fmt::format("{} has no trust with the id {}", robot->name, trust_id)};
    if (const auto gone = delete_trust(session, trust_id); !gone) return gone.error();
    const auto ended = session.execute(
        "UPDATE accounts SET credential_version = credential_version + 1 WHERE id = ?", {robot_id});
    if (!ended) return ended.error();
    return record(session, audit::Action::workload_trust_removed, clock_.now(), robot->name,
                  describe(found->front()), origin);
  });
  // Also after an error: a commit whose answer was lost on the way is a commit all the same.
  robot_changed_(robot_id);
  return done;
}

}  // namespace bulkhead::identity

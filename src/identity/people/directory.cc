#include "identity/people/directory.h"

#include <optional>
#include <span>
#include <utility>

#include "audit/outbox.h"

namespace bulkhead::identity {

Result<void> Change::record(audit::Action action, std::string_view target, std::string_view detail,
                            std::string_view repository) {
  return audit::record(session, {.at = now,
                                 .action = action,
                                 .origin = origin_,
                                 .repository = std::string(repository),
                                 .target = std::string(target),
                                 .old_digest = {},
                                 .new_digest = {},
                                 .detail = std::string(detail)});
}

Result<void> Change::execute_each(std::initializer_list<std::string_view> statements,
                                  std::int64_t parameter) {
  for (const std::string_view sql : statements)
    if (const auto done = session.execute(sql, {parameter}); !done) return done.error();
  return {};
}

Directory::Directory(db::Database& database, Accounts& accounts, const Clock& clock,
                     std::function<void()> roles_changed)
    : database_(database), accounts_(accounts), clock_(clock), roles_changed_(std::move(roles_changed)) {}

Result<void> Directory::change(const audit::Origin& origin, const Work& work) const {
  std::vector<std::int64_t> changed;
  bool refused = false;
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    changed.clear();
    Change change(session, clock_.now(), origin, changed);
    const auto worked = work(change);
    refused = !worked;
    return worked;
  });
  // What the work refused was rolled back. Any other error may be that of a commit whose answer was lost on
  // the way, which is a commit all the same.
  if (refused) return done;
  for (const std::int64_t id : changed) accounts_.forget(id);
  roles_changed_();
  return done;
}

Result<db::Row> Directory::read_row(std::string_view sql, std::initializer_list<db::Value> parameters,
                                    const Error& absent) const {
  auto rows = read_rows(sql, parameters);
  if (!rows) return rows.error();
  if (rows->empty()) return absent;
  return std::move(rows->front());
}

Result<std::vector<db::Row>> Directory::read_rows(std::string_view sql,
                                                  std::initializer_list<db::Value> parameters) const {
  std::vector<db::Row> found;
  const auto done = read([&](db::Session& session) -> Result<void> {
    auto rows = session.query(sql, parameters);
    if (!rows) return rows.error();
    found = *std::move(rows);
    return {};
  });
  if (!done) return done.error();
  return found;
}

}  // namespace bulkhead::identity

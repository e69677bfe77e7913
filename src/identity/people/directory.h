// The ground that the services stand on which change who belongs where: one transaction for a change and its
// evidence, and memory that forgets before the change's call returns.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "db/database.h"
#include "identity/people/accounts.h"

namespace bulkhead::identity {

// One transaction under way.
class Change {
 public:
  Change(db::Session& within, Time at, const audit::Origin& origin, std::vector<std::int64_t>& changed)
      : session(within), now(at), origin_(origin), changed_(changed) {}

  // Writes the event of what was done.
  Result<void> record(audit::Action action, std::string_view target, std::string_view detail = {},
                      std::string_view repository = {});
  // The number of rows changed.
  Result<std::int64_t> execute(std::string_view sql, std::initializer_list<db::Value> parameters) {
    return session.execute(sql, parameters);
  }
  // Each statement in turn, with the one parameter.
  Result<void> execute_each(std::initializer_list<std::string_view> statements, std::int64_t parameter);
  // Memory forgets the account once this is over.
  void forget(std::int64_t account_id) { changed_.push_back(account_id); }

  db::Session& session;
  const Time now;

 private:
  const audit::Origin& origin_;
  std::vector<std::int64_t>& changed_;
};

// Thread-safe. Calls block.
class Directory {
 public:
  // `roles_changed` drops what memory knows of roles, and of repositories by name. It is called after
  // whatever may have changed either, before the change's call returns. All references must outlive this.
  Directory(db::Database& database, Accounts& accounts, const Clock& clock,
            std::function<void()> roles_changed);

  using Work = std::function<Result<void>(Change&)>;
  // Runs `work` in a write transaction; like db::Database::Work it may be called again from the start.
  Result<void> change(const audit::Origin& origin, const Work& work) const;
  Result<void> read(const db::Database::Work& work) const { return database_.read(work); }
  // At most one row; `absent` when there is none.
  Result<db::Row> read_row(std::string_view sql, std::initializer_list<db::Value> parameters,
                           const Error& absent) const;
  Result<std::vector<db::Row>> read_rows(std::string_view sql,
                                         std::initializer_list<db::Value> parameters) const;
  Accounts& accounts() const { return accounts_; }
  Time now() const { return clock_.now(); }

 private:
  db::Database& database_;
  Accounts& accounts_;
  const Clock& clock_;
  std::function<void()> roles_changed_;
};

}  // namespace bulkhead::identity

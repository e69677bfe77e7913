// The database's half of a query: events in pages, so that neither the result nor a read transaction grows
// with what is stored. Every combination of filters has an index to walk (see the tests).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/filter.h"
#include "db/database.h"

namespace bulkhead::audit {

using StoredEvent = std::pair<std::int64_t, Event>;

struct Statement {
  std::string sql;
  std::vector<db::Value> parameters;
};

enum class EventOrder {
  by_id,       // the order in which a follower sees them
  by_id_desc,  // newest first
  by_time,     // for queries by time alone, which only the index on time can serve
};

struct EventRange {
  std::int64_t after_id = 0;                      // exclusive
  std::int64_t last_id = INT64_MAX;               // inclusive
  std::optional<Time> after_time = std::nullopt;  // with by_time: (time, id) > (after_time, after_id)
};

Statement select_events(const Filter& filter, EventOrder order, const EventRange& range, std::size_t limit);
Result<std::vector<StoredEvent>> read_events(db::Database& database, const Statement& statement);

// The highest id for which this holds: no event with it or a lower one can still appear. Ids are handed out
// before their transactions commit, and PostgreSQL commits them in any order; this waits, up to two seconds,
// for the transactions that were writing events when it was called. Nothing when one of them takes longer.
Result<std::optional<std::int64_t>> settled_end(db::Database& database);

// Everything that matches and was committed when it was made, oldest first. Not synchronised; `database` and
// `filter` outlive it.
class StoredEventPager {
 public:
  static Result<StoredEventPager> open(db::Database& database, const Filter& filter);
  // The next event, which stays in place until take(); null at the end.
  Result<const StoredEvent*> peek();
  StoredEvent take() { return std::move(page_[used_++]); }

 private:
  StoredEventPager(db::Database& database, const Filter& filter, std::int64_t last_id);

  db::Database* database_;
  const Filter* filter_;
  EventOrder order_;
  EventRange range_;
  std::vector<StoredEvent> page_;
  std::size_t used_ = 0;
  bool finished_ = false;
};

}  // namespace bulkhead::audit

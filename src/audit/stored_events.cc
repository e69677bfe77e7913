#include "audit/stored_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace bulkhead::audit {
namespace {

constexpr std::size_t kPageRows = 500;
constexpr auto kSettleTimeout = std::chrono::seconds(2);
constexpr auto kSettlePoll = std::chrono::milliseconds(5);

constexpr std::string_view kColumns =
    "id, at, action, account, credential, address, user_agent, request_id, repository, target, old_digest, "
    "new_digest, detail";

Result<StoredEvent> parse_row(const db::Row& row) {
  auto action = parse_action(row.text(2));
  if (!action)
    return Error{Errc::corrupt, fmt::format("event {} has an action that this program does not know: {}",
                                            row.integer(0), row.text(2))};
  return StoredEvent{row.integer(0), Event{.at = from_micros(row.integer(1)),
                                           .action = *action,
                                           .origin = {.account = row.text(3),
                                                      .credential = row.text(4),
                                                      .address = row.text(5),
                                                      .user_agent = row.text(6),
                                                      .request_id = row.text(7)},
                                           .repository = row.text(8),
                                           .target = row.text(9),
                                           .old_digest = row.text(10),
                                           .new_digest = row.text(11),
                                           .detail = row.text(12)}};
}

// Of ASCII, as what is asked for by its beginning is.
std::int64_t length_of(const std::string& text) { return static_cast<std::int64_t>(text.size()); }

bool only_time(const Filter& filter) {
  return filter.account.empty() && filter.repository.empty() && filter.repository_begins.empty() &&
         filter.digest.empty() && filter.address.empty() && filter.request_id.empty();
}

Result<std::int64_t> highest_id(db::Database& database) {
  std::int64_t id = 0;
  auto done = database.read([&](db::Session& session) -> Result<void> {
    auto rows = session.query("SELECT COALESCE(MAX(id), 0) FROM events");
    if (!rows) return rows.error();
    id = rows->front().integer(0);
    return {};
  });
  if (!done) return done.error();
  return id;
}

// PostgreSQL transactions that have written, or are about to write, an event. The lock is taken before the id
// and given back after the commit can be seen.
Result<std::vector<std::string>> event_writers(db::Database& database) {
  std::vector<std::string> writers;
  auto done = database.read([&](db::Session& session) -> Result<void> {
    auto rows = session.query(
        "SELECT virtualtransaction FROM pg_locks WHERE relation = 'events'::regclass AND mode = "
        "'RowExclusiveLock'");
    if (!rows) return rows.error();
    writers.clear();
    for (const db::Row& row : *rows) writers.push_back(row.text(0));
    return {};
  });
  if (!done) return done.error();
  std::sort(writers.begin(), writers.end());
  return writers;
}

}  // namespace

Statement select_events(const Filter& filter, EventOrder order, const EventRange& range, std::size_t limit) {
  Statement statement{fmt::format("SELECT {} FROM events WHERE id <= ?", kColumns), {range.last_id}};
  const auto also = [&](std::string_view condition, std::initializer_list<db::Value> values) {
    statement.sql += fmt::format(" AND {}", condition);
    statement.parameters.insert(statement.parameters.end(), values);
  };
  if (order != EventOrder::by_time) also("id > ?", {range.after_id});
  if (range.after_time) also("(at, id) > (?, ?)", {to_micros(*range.after_time), range.after_id});
  if (!filter.account.empty()) also("account = ?", {filter.account});
  if (!filter.repository.empty()) also("repository = ?", {filter.repository});
  if (!filter.repository_begins.empty())
    also("substr(repository, 1, CAST(? AS INTEGER)) = ?",
         {length_of(filter.repository_begins), filter.repository_begins});
  if (!filter.request_id.empty()) also("request_id = ?", {filter.request_id});
  if (!filter.address.empty()) also("address = ?", {filter.address});
  // The indexes leave empty texts out, which an engine cannot know of a parameter.
  if (!filter.digest.empty() && filter.digest_begins) {
    const std::int64_t length = length_of(filter.digest);
    also(
        "(substr(new_digest, 1, CAST(? AS INTEGER)) = ? OR substr(old_digest, 1, CAST(? AS INTEGER)) = ? OR "
        "substr(target, 1, CAST(? AS INTEGER)) = ?)",
        {length, filter.digest, length, filter.digest, length, filter.digest});
  } else if (!filter.digest.empty())
    also(
        "((new_digest = ? AND new_digest <> '') OR (old_digest = ? AND old_digest <> '') OR "
        "(target = ? AND target <> ''))",
        {filter.digest, filter.digest, filter.digest});
  if (filter.action) also("action = ?", {std::string(name(*filter.action))});
  if (filter.since) also("at >= ?", {to_micros(*filter.since)});
  if (filter.until) also("at < ?", {to_micros(*filter.until)});
  switch (order) {
    case EventOrder::by_id: statement.sql += " ORDER BY id"; break;
    case EventOrder::by_id_desc: statement.sql += " ORDER BY id DESC"; break;
    case EventOrder::by_time: statement.sql += " ORDER BY at, id"; break;
  }
  statement.sql += " LIMIT ?";
  statement.parameters.emplace_back(static_cast<std::int64_t>(limit));
  return statement;
}

Result<std::vector<StoredEvent>> read_events(db::Database& database, const Statement& statement) {
  std::vector<StoredEvent> events;
  auto done = database.read([&](db::Session& session) -> Result<void> {
    auto rows = session.query(statement.sql, std::span<const db::Value>(statement.parameters));
    if (!rows) return rows.error();
    events.clear();
    for (const db::Row& row : *rows) {
      auto event = parse_row(row);
      if (!event) return event.error();
      events.push_back(std::move(*event));
    }
    return {};
  });
  if (!done) return done.error();
  return events;
}

Result<std::optional<std::int64_t>> settled_end(db::Database& database) {
  auto end = highest_id(database);
  if (!end) return end.error();
  if (database.engine() != "postgres") return std::optional(*end);
  const auto deadline = std::chrono::steady_clock::now() + kSettleTimeout;
  auto awaited = event_writers(database);
  if (!awaited) return awaited.error();
  while (!awaited->empty()) {
    if (std::chrono::steady_clock::now() > deadline) return std::optional<std::int64_t>{};
    std::this_thread::sleep_for(kSettlePoll);
    auto now = event_writers(database);
    if (!now) return now.error();
    std::vector<std::string> remaining;
    std::set_intersection(awaited->begin(), awaited->end(), now->begin(), now->end(),
                          std::back_inserter(remaining));
    awaited->swap(remaining);
  }
  return std::optional(*end);
}

StoredEventPager::StoredEventPager(db::Database& database, const Filter& filter, std::int64_t last_id)
    : database_(&database),
      filter_(&filter),
      order_(only_time(filter) ? EventOrder::by_time : EventOrder::by_id),
      range_{.after_id = 0, .last_id = last_id, .after_time = std::nullopt} {}

Result<StoredEventPager> StoredEventPager::open(db::Database& database, const Filter& filter) {
  auto last = highest_id(database);
  if (!last) return last.error();
  return StoredEventPager(database, filter, *last);
}

Result<const StoredEvent*> StoredEventPager::peek() {
  if (used_ == page_.size() && !finished_) {
    auto page = read_events(*database_, select_events(*filter_, order_, range_, kPageRows));
    if (!page) return page.error();
    page_ = std::move(*page);
    used_ = 0;
    finished_ = page_.size() < kPageRows;
    if (!page_.empty()) {
      range_.after_id = page_.back().first;
      if (order_ == EventOrder::by_time) range_.after_time = page_.back().second.at;
    }
  }
  return used_ < page_.size() ? &page_[used_] : nullptr;
}

}  // namespace bulkhead::audit

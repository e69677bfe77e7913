#include "audit/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>

#include "audit/journal_set.h"
#include "audit/stored_events.h"

namespace bulkhead::audit {
namespace {

template <class Number>
bool take_number(std::string_view& text, Number& number, char separator) {
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  if (separator == '\0') return text.empty();
  if (!text.starts_with(separator)) return false;
  text.remove_prefix(1);
  return true;
}

void report_damage(Damage& damage, Page& page) {
  page.damaged_places = damage.places;
  page.damage = std::move(damage.first);
}

}  // namespace

std::string Cursor::render() const {
  std::string text = std::to_string(event_id);
  const bool accounts_only = journals[1] == Position() && journals[2] == Position();
  for (std::size_t lane = 0; lane < (accounts_only ? 1 : kJournals); ++lane)
    text += fmt::format("-{}-{}", journals[lane].segment, journals[lane].offset);
  return text;
}

Result<Cursor> Cursor::parse(std::string_view text) {
  const auto parts = static_cast<std::size_t>(std::ranges::count(text, '-'));
  Cursor cursor;
  std::string_view rest = text;
  bool valid = (parts == 2 || parts == 2 * kJournals) && take_number(rest, cursor.event_id, '-') &&
               cursor.event_id >= 0;
  for (std::size_t lane = 0; valid && lane < parts / 2; ++lane) {
    const bool last = lane + 1 == parts / 2;
    valid = take_number(rest, cursor.journals[lane].segment, '-') &&
            take_number(rest, cursor.journals[lane].offset, last ? '\0' : '-');
  }
  if (valid) return cursor;
  return Error{Errc::invalid_argument,
               fmt::format("{:.128} is not a cursor; use one that an earlier answer gave", text)};
}

Result<Page> newest(db::Database& database, const std::filesystem::path& journal, const Filter& filter,
                    std::size_t limit) {
  limit = std::clamp<std::size_t>(limit, 1, kMaxPageEvents);
  auto last_id = settled_end(database);
  if (!last_id) return last_id.error();
  if (!*last_id)
    return Error{Errc::unavailable,
                 "a transaction that writes an event is taking long; try again in a moment"};
  auto stored =
      read_events(database, select_events(filter, EventOrder::by_id_desc, {.last_id = **last_id}, limit));
  if (!stored) return stored.error();
  std::reverse(stored->begin(), stored->end());

  auto reader = JournalSet::open(journal);
  if (!reader) return reader.error();
  std::deque<Event> journaled;
  Damage damage;
  auto end = reader->newest(filter, limit, journaled, damage);
  if (!end) return end.error();

  // From the back, so that what does not fit is the oldest.
  Page page;
  page.next = {**last_id, *end};
  while (page.events.size() < limit && (!stored->empty() || !journaled.empty())) {
    const bool from_journal =
        stored->empty() || (!journaled.empty() && journaled.back().at > stored->back().second.at);
    if (from_journal) {
      page.events.emplace_back(0, std::move(journaled.back()));
      journaled.pop_back();
    } else {
      page.events.push_back(std::move(stored->back()));
      stored->pop_back();
    }
  }
  std::reverse(page.events.begin(), page.events.end());
  report_damage(damage, page);
  return page;
}

Result<Page> after(db::Database& database, const std::filesystem::path& journal, const Filter& filter,
                   const Cursor& cursor, std::size_t limit) {
  limit = std::clamp<std::size_t>(limit, 1, kMaxPageEvents);
  auto last_id = settled_end(database);
  if (!last_id) return last_id.error();
  const std::int64_t stored_end = std::max(cursor.event_id, last_id->value_or(cursor.event_id));
  auto stored = read_events(
      database,
      select_events(filter, EventOrder::by_id, {.after_id = cursor.event_id, .last_id = stored_end}, limit));
  if (!stored) return stored.error();
  const bool stored_all = stored->size() < limit;

  auto reader = JournalSet::open(journal);
  if (!reader) return reader.error();
  std::vector<JournalSet::Entry> journaled;
  Damage damage;
  const auto journal_ends = reader->after(filter, cursor.journals, limit, journaled, damage);
  if (!journal_ends) return journal_ends.error();

  Page page;
  page.next = cursor;
  auto next_stored = stored->begin();
  auto next_journaled = journaled.begin();
  while (page.events.size() < limit && (next_stored != stored->end() || next_journaled != journaled.end())) {
    const bool from_journal =
        next_stored == stored->end() ||
        (next_journaled != journaled.end() && next_journaled->event.at < next_stored->second.at);
    if (from_journal) {
      page.next.journals[next_journaled->lane] = next_journaled->end;
      page.events.emplace_back(0, std::move(next_journaled->event));
      ++next_journaled;
    } else {
      page.next.event_id = next_stored->first;
      page.events.push_back(std::move(*next_stored));
      ++next_stored;
    }
  }
  // A source that was used up need not be looked through again for what did not match.
  if (next_stored == stored->end() && stored_all) page.next.event_id = stored_end;
  for (std::size_t lane = 0; lane < kJournals; ++lane)
    if (std::none_of(next_journaled, journaled.end(), [&](const auto& left) { return left.lane == lane; }))
      page.next.journals[lane] = (*journal_ends)[lane];
  report_damage(damage, page);
  return page;
}

Result<void> for_each(db::Database& database, const std::filesystem::path& journal, const Filter& filter,
                      const std::function<bool(std::int64_t id, const Event&)>& each) {
  auto reader = JournalSet::open(journal);
  if (!reader) return reader.error();
  auto stored = StoredEventPager::open(database, filter);
  if (!stored) return stored.error();

  bool stopped = false;
  std::optional<Error> failure;
  // Delivers the stored events up to `until`; false when that was the end of it all.
  const auto deliver_stored = [&](std::optional<Time> until) {
    for (;;) {
      auto next = stored->peek();
      if (!next) {
        failure = next.error();
        return false;
      }
      if (*next == nullptr || (until && (*next)->second.at > *until)) return true;
      const StoredEvent event = stored->take();
      stopped = !each(event.first, event.second);
      if (stopped) return false;
    }
  };
  Damage damage;
  auto read = reader->for_each(
      filter,
      [&](const Event& event) {
        if (!deliver_stored(event.at)) return false;
        stopped = !each(0, event);
        return !stopped;
      },
      damage);
  if (!read) return read.error();
  if (!stopped && !failure) deliver_stored(std::nullopt);
  if (failure) return *failure;
  if (!stopped && damage.places > 0)
    return Error{Errc::corrupt, fmt::format("the journal is damaged in {} place(s), the rest was read: {}",
                                            damage.places, damage.first)};
  return {};
}

}  // namespace bulkhead::audit

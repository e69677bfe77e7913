// Reads evidence from both of its homes, merged in the order of time. Each home keeps its own order, that of
// writing; events of concurrent requests may stand a moment out of order.
//
// Works beside a running server, in its process or another: nothing here writes. All calls block: run them on
// the offload pool.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/event.h"
#include "audit/filter.h"
#include "audit/journal_set.h"
#include "db/database.h"

namespace bulkhead::audit {

// A position in all sources, for `tail --follow`: opaque to callers, rendered and parsed as text.
struct Cursor {
  std::int64_t event_id = 0;
  Positions journals;

  // "12-3-456-1-36-2-99"; "12-3-456" while only accounts have been heard of, and from earlier versions.
  std::string render() const;
  static Result<Cursor> parse(std::string_view text);  // Errc::invalid_argument

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

struct Page {
  std::vector<std::pair<std::int64_t, Event>> events;  // oldest first; id 0 for journal events
  Cursor next;
  // What of the journal could not be read and was stepped over: the number of places, and a sentence about
  // the first.
  std::uint64_t damaged_places = 0;
  std::string damage;
};

// The bounds of a page's `limit` are 1 and this; a limit beyond them is taken as the nearer one.
inline constexpr std::size_t kMaxPageEvents = 10'000;

// The newest `limit` matching events. `next` is the end of both sources, so that after() goes on without a
// gap. Errc::unavailable when a transaction that writes an event has been open for seconds (PostgreSQL).
Result<Page> newest(db::Database& database, const std::filesystem::path& journal, const Filter& filter,
                    std::size_t limit);
// What came after `cursor`, at most `limit`. Nothing is left out or repeated over the pages, whatever is
// written, sealed or rotated meanwhile; segments that the budget removed are gone. A database event is held
// back while one with a lower id may still commit. Errc::invalid_argument for a cursor past the journal's
// end.
Result<Page> after(db::Database& database, const std::filesystem::path& journal, const Filter& filter,
                   const Cursor& cursor, std::size_t limit);
// Everything that matches and was written when it was called, oldest first, streamed to `each` (which returns
// false to stop); memory stays flat. Errc::corrupt, after all else was delivered, when parts of the journal
// could not be read.
Result<void> for_each(db::Database& database, const std::filesystem::path& journal, const Filter& filter,
                      const std::function<bool(std::int64_t id, const Event&)>& each);

}  // namespace bulkhead::audit

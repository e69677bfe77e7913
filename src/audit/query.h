// Reads evidence from both of its homes, merged in the order of time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "audit/event.h"
#include "db/database.h"

namespace bulkhead::audit {

// Empty fields match everything. `digest` matches the old or the new digest, or a digest target.
struct Filter {
  std::string account;
  std::string repository;
  std::string digest;
  std::string address;
  std::optional<Action> action;
  std::optional<Time> since;  // inclusive
  std::optional<Time> until;  // exclusive
};

// A position in both sources, for `tail --follow`: opaque to callers, rendered and parsed as text.
struct Cursor {
  std::int64_t event_id = 0;
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
};

struct Page {
  std::vector<std::pair<std::int64_t, Event>> events;  // oldest first; id 0 for journal events
  Cursor next;
};

// The newest `limit` matching events.
Result<Page> newest(db::Database& database, const std::filesystem::path& journal, const Filter& filter,
                    std::size_t limit);
// What came after `cursor`, at most `limit`.
Result<Page> after(db::Database& database, const std::filesystem::path& journal, const Filter& filter,
                   const Cursor& cursor, std::size_t limit);
// Everything that matches, oldest first, streamed to `each` (which returns false to stop); memory stays flat.
Result<void> for_each(db::Database& database, const std::filesystem::path& journal, const Filter& filter,
                      const std::function<bool(std::int64_t id, const Event&)>& each);

}  // namespace bulkhead::audit

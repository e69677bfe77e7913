// Reads a journal directory, raw and sealed segments alike, also while this or another process appends to it.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "audit/event.h"
#include "audit/filter.h"

namespace bulkhead::audit {

// A place between two records; sealing does not change it. Segments are numbered from 1.
struct Position {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;

  friend auto operator<=>(const Position&, const Position&) = default;
};

// What could not be read. Everything around it was.
struct Damage {
  std::uint64_t places = 0;
  std::string first;  // a sentence about the first place

  void add(std::string what);
};

// A list of segments as it was when the reader was opened; the last one grows until it is read. Memory is
// bounded by a frame and, for newest(), by the limit. Not synchronised.
class JournalReader {
 public:
  // A missing directory is an empty journal.
  static Result<JournalReader> open(const std::filesystem::path& directory);

  // Returns false to stop. `end` is where the record ends; the event's texts live during the call.
  using Visit = std::function<bool(const EventView& event, Position end)>;

  // Visits what matches, from `begin` on, in the order of writing. Returns where it stopped: behind the last
  // record visited, or at the end, which never is inside a record that is being written. A `begin` past the
  // journal's end is Errc::invalid_argument: it belongs to another journal.
  Result<Position> scan(const Filter& filter, Position begin, const Visit& visit, Damage& damage) const;

  // The newest `limit` that match, in the order of writing. Returns the journal's end.
  Result<Position> newest(const Filter& filter, std::size_t limit, std::deque<Event>& events,
                          Damage& damage) const;

 private:
  JournalReader(std::filesystem::path directory, std::vector<std::uint64_t> segments)
      : directory_(std::move(directory)), segments_(std::move(segments)) {}

  std::filesystem::path directory_;
  std::vector<std::uint64_t> segments_;
};

}  // namespace bulkhead::audit

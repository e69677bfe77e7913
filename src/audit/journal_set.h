// The journals of one installation, read as one: what accounts did, what was done anonymously, and what was
// refused, each with a budget of its own (docs/formats/journal.md). Merged in the order of time; each keeps
// its own order.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <vector>

#include "audit/journal_reader.h"

namespace bulkhead::audit {

inline constexpr std::size_t kJournals = 3;
enum class Lane : std::uint8_t { accounts, anonymous, refused };

// Where a lane's segments are.
std::filesystem::path lane_directory(const std::filesystem::path& journal, Lane lane);

using Positions = std::array<Position, kJournals>;  // by lane

// Not synchronised.
class JournalSet {
 public:
  static Result<JournalSet> open(const std::filesystem::path& journal);

  struct Entry {
    std::size_t lane = 0;
    Position end;
    Event event;
  };

  // The newest `limit` that match, oldest first. Returns the ends.
  Result<Positions> newest(const Filter& filter, std::size_t limit, std::deque<Event>& events,
                           Damage& damage) const;
  // What comes after `begin`, at most `limit` of each lane. Returns where each stopped.
  Result<Positions> after(const Filter& filter, const Positions& begin, std::size_t limit,
                          std::vector<Entry>& entries, Damage& damage) const;
  // All that matches, until `visit` returns false; memory stays flat.
  Result<void> for_each(const Filter& filter, const std::function<bool(const Event&)>& visit,
                        Damage& damage) const;

 private:
  explicit JournalSet(std::vector<JournalReader> readers) : readers_(std::move(readers)) {}

  std::vector<JournalReader> readers_;  // by lane
};

}  // namespace bulkhead::audit

#include "audit/journal_set.h"

#include <algorithm>
#include <utility>

namespace bulkhead::audit {
namespace {

constexpr std::size_t kPage = 1000;

using Queues = std::array<std::deque<JournalSet::Entry>, kJournals>;

// The lane whose next event is the oldest; kJournals when none has any.
std::size_t oldest(const Queues& queues) {
  std::size_t found = kJournals;
  for (std::size_t lane = 0; lane < kJournals; ++lane) {
    if (queues[lane].empty()) continue;
    if (found == kJournals || queues[lane].front().event.at < queues[found].front().event.at) found = lane;
  }
  return found;
}

Result<Position> read_page(const JournalReader& reader, std::size_t lane, const Filter& filter,
                           Position begin, std::size_t limit, std::deque<JournalSet::Entry>& entries,
                           Damage& damage) {
  return reader.scan(
      filter, begin,
      [&](const EventView& event, Position end) {
        entries.push_back({lane, end, to_event(event)});
        return entries.size() < limit;
      },
      damage);
}

}  // namespace

std::filesystem::path lane_directory(const std::filesystem::path& journal, Lane lane) {
  switch (lane) {
    case Lane::accounts: break;
    case Lane::anonymous: return journal / "anonymous";
    case Lane::refused: return journal / "refused";
  }
  return journal;
}

Result<JournalSet> JournalSet::open(const std::filesystem::path& journal) {
  std::vector<JournalReader> readers;
  for (const Lane lane : {Lane::accounts, Lane::anonymous, Lane::refused}) {
    auto reader = JournalReader::open(lane_directory(journal, lane));
    if (!reader) return reader.error();
    readers.push_back(*std::move(reader));
  }
  return JournalSet(std::move(readers));
}

Result<Positions> JournalSet::newest(const Filter& filter, std::size_t limit, std::deque<Event>& events,
                                     Damage& damage) const {
  Positions ends;
  std::array<std::deque<Event>, kJournals> found;
  for (std::size_t lane = 0; lane < kJournals; ++lane) {
    auto end = readers_[lane].newest(filter, limit, found[lane], damage);
    if (!end) return end.error();
    ends[lane] = *end;
  }
  // From the back, so that what does not fit is the oldest.
  while (events.size() < limit) {
    std::deque<Event>* last = nullptr;
    for (auto& lane : found)
      if (!lane.empty() && (last == nullptr || lane.back().at > last->back().at)) last = &lane;
    if (last == nullptr) break;
    events.push_front(std::move(last->back()));
    last->pop_back();
  }
  return ends;
}

Result<Positions> JournalSet::after(const Filter& filter, const Positions& begin, std::size_t limit,
                                    std::vector<Entry>& entries, Damage& damage) const {
  Positions ends;
  Queues found;
  for (std::size_t lane = 0; lane < kJournals; ++lane) {
    auto end = read_page(readers_[lane], lane, filter, begin[lane], limit, found[lane], damage);
    if (!end) return end.error();
    ends[lane] = *end;
  }
  for (std::size_t lane = oldest(found); lane < kJournals; lane = oldest(found)) {
    entries.push_back(std::move(found[lane].front()));
    found[lane].pop_front();
  }
  return ends;
}

Result<void> JournalSet::for_each(const Filter& filter, const std::function<bool(const Event&)>& visit,
                                  Damage& damage) const {
  Queues ahead;
  Positions at;
  std::array<bool, kJournals> ended{};
  for (;;) {
    for (std::size_t lane = 0; lane < kJournals; ++lane) {
      if (!ahead[lane].empty() || ended[lane]) continue;
      auto end = read_page(readers_[lane], lane, filter, at[lane], kPage, ahead[lane], damage);
      if (!end) return end.error();
      at[lane] = *end;
      // A page that is not full has come to the end; what is written from now on is not asked for.
      ended[lane] = ahead[lane].size() < kPage;
    }
    const std::size_t lane = oldest(ahead);
    if (lane == kJournals) return {};
    if (!visit(ahead[lane].front().event)) return {};
    ahead[lane].pop_front();
  }
}

}  // namespace bulkhead::audit

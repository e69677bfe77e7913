#include "audit/journal_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "audit/segment.h"
#include "audit/segment_reader.h"

namespace bulkhead::audit {
namespace {

struct BlockScan {
  std::uint64_t segment;
  bool last;  // nothing can be written behind any other
  const Filter& filter;
  Damage& damage;
};

struct BlockOutcome {
  std::uint64_t end = 0;  // behind the last record visited
  bool stopped = false;
};

void add_gap(const BlockScan& scan, const Gap& gap) {
  scan.damage.add(
      fmt::format("journal segment {}: bytes {} to {} cannot be read", scan.segment, gap.begin, gap.end));
}

// Each matching record of one block goes to `visit`.
Result<BlockOutcome> scan_block(SegmentReader& reader, std::size_t block, std::uint64_t from,
                                const BlockScan& scan, const JournalReader::Visit& visit) {
  auto scanner = reader.scan(block, from);
  if (!scanner) {
    if (scanner.error().code != Errc::corrupt) return scanner.error();
    scan.damage.add(scanner.error().message);
    return BlockOutcome{reader.block_end(block), false};
  }
  for (;;) {
    auto record = scanner->next();
    if (!record) return record.error();
    // Behind the last record of a segment that may be open, the beginning of another is one that is being
    // written.
    const bool growing = !*record && scan.last && !reader.sealed();
    if (const auto& gap = scanner->gap(); gap && !(growing && gap->torn)) add_gap(scan, *gap);
    if (!*record) return BlockOutcome{growing ? scanner->intact_end() : reader.block_end(block), false};
    if (matches(scan.filter, (*record)->event) && !visit((*record)->event, {scan.segment, (*record)->end}))
      return BlockOutcome{(*record)->end, true};
  }
}

// Segments go from the oldest on: one that is missing between two others is a loss.
void look_for_missing(std::uint64_t before, std::uint64_t number, Damage& damage) {
  if (number <= before + 1) return;
  damage.add(fmt::format("journal segments {} to {} are missing: put their files back from a backup",
                         before + 1, number - 1));
}

}  // namespace

void Damage::add(std::string what) {
  if (places++ == 0) first = std::move(what);
}

Result<JournalReader> JournalReader::open(const std::filesystem::path& directory) {
  auto listing = list_directory_settled(directory);
  if (!listing && listing.error().code != Errc::not_found) return listing.error();
  std::vector<std::uint64_t> segments;
  if (listing)
    for (const SegmentFiles& files : listing->segments)
      if (files.raw || files.sealed) segments.push_back(files.number);
  return JournalReader(directory, std::move(segments));
}

Result<Position> JournalReader::scan(const Filter& filter, Position begin, const Visit& visit,
                                     Damage& damage) const {
  if (begin.segment > (segments_.empty() ? 0 : segments_.back()))
    return Error{
        Errc::invalid_argument,
        fmt::format("the cursor's segment {} is past the journal's end: it belongs to another journal; "
                    "start without a cursor",
                    begin.segment)};
  const FrameTest test(filter);
  Position position = begin;
  for (auto at = segments_.begin(); at != segments_.end(); ++at) {
    const std::uint64_t number = *at;
    if (number < begin.segment) continue;
    if (at != segments_.begin()) look_for_missing(std::max(*std::prev(at), position.segment), number, damage);
    auto reader = SegmentReader::open(directory_, number);
    if (!reader) return reader.error();
    if (!*reader) continue;
    SegmentReader& segment = **reader;
    if (!segment.damage().empty()) damage.add(segment.damage());
    position = {number, number == begin.segment ? std::max(begin.offset, segment.begin()) : segment.begin()};
    const BlockScan scan{number, number == segments_.back(), filter, damage};
    for (std::size_t block = 0; block < segment.blocks(); ++block) {
      if (segment.block_end(block) <= position.offset) continue;
      if (const Summary* summary = segment.summary(block); summary != nullptr && !test.may_match(*summary)) {
        position.offset = segment.block_end(block);
        continue;
      }
      auto outcome = scan_block(segment, block, position.offset, scan, visit);
      if (!outcome) return outcome.error();
      position.offset = outcome->end;
      if (outcome->stopped) return position;
    }
  }
  return position;
}

Result<Position> JournalReader::newest(const Filter& filter, std::size_t limit, std::deque<Event>& events,
                                       Damage& damage) const {
  const FrameTest test(filter);
  Position end;
  for (auto number = segments_.rbegin(); number != segments_.rend(); ++number) {
    if (number != segments_.rbegin()) look_for_missing(*number, *std::prev(number), damage);
    auto reader = SegmentReader::open(directory_, *number);
    if (!reader) return reader.error();
    if (!*reader) continue;
    SegmentReader& segment = **reader;
    if (!segment.damage().empty()) damage.add(segment.damage());
    const BlockScan scan{*number, number == segments_.rbegin(), filter, damage};
    if (end == Position{}) end = {*number, std::max(segment.begin(), segment.end())};
    for (std::size_t block = segment.blocks(); block-- > 0;) {
      if (const Summary* summary = segment.summary(block); summary != nullptr && !test.may_match(*summary))
        continue;
      const std::size_t wanted = limit - events.size();
      std::deque<Event> found;
      auto outcome = scan_block(segment, block, segment.begin(), scan, [&](const EventView& event, Position) {
        found.push_back(to_event(event));
        if (found.size() > wanted) found.pop_front();
        return true;
      });
      if (!outcome) return outcome.error();
      if (scan.last && !segment.sealed()) end.offset = outcome->end;
      events.insert(events.begin(), std::make_move_iterator(found.begin()),
                    std::make_move_iterator(found.end()));
      if (events.size() >= limit) return end;
    }
  }
  return end;
}

}  // namespace bulkhead::audit

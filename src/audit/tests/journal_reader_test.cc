#include "audit/journal_reader.h"

#include <gtest/gtest.h>

#include <atomic>

#include "audit/journal.h"
#include "audit/seal.h"
#include "audit/tests/support.h"

namespace bulkhead::audit {
namespace {

// Three segments: sealed, raw and complete, raw and open.
class JournalReading : public testing::Test {
 protected:
  static constexpr std::uint64_t kPerSegment = 1500;

  void SetUp() override {
    for (std::uint64_t number = 1; number <= 3; ++number) {
      std::vector<Event> events;
      for (std::uint64_t i = 0; i < kPerSegment; ++i)
        events.push_back(numbered((number - 1) * kPerSegment + i));
      write_file(raw_path(directory(), number),
                 segment_of({.number = number, .created_at = {}, .salt = static_cast<std::uint32_t>(number)},
                            events));
      all_.insert(all_.end(), events.begin(), events.end());
    }
    ASSERT_TRUE(seal_segment(directory(), 1, [] { return true; }).has_value());
  }

  const std::filesystem::path& directory() const { return temporary_.path(); }

  // What a filter should find, by a rule written out in the test.
  void expect(const Filter& filter, const std::function<bool(const Event&)>& rule) {
    std::vector<Event> expected;
    for (const Event& event : all_)
      if (rule(event)) expected.push_back(event);
    ASSERT_FALSE(expected.empty());
    ASSERT_LT(expected.size(), all_.size());
    EXPECT_EQ(read_journal(directory(), filter).events, expected);

    auto reader = JournalReader::open(directory());
    std::deque<Event> newest;
    Damage damage;
    auto end = reader->newest(filter, 10, newest, damage);
    ASSERT_TRUE(end.has_value());
    const auto first =
        expected.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(10, expected.size()));
    EXPECT_EQ(std::vector<Event>(newest.begin(), newest.end()), std::vector<Event>(first, expected.end()));
    EXPECT_EQ(*end, read_journal(directory()).end);
  }

  TemporaryDirectory temporary_;
  std::vector<Event> all_;
};

TEST_F(JournalReading, FindsEverythingInTheOrderOfWriting) {
  const ReadBack back = read_journal(directory());
  EXPECT_EQ(back.events, all_);
  EXPECT_EQ(back.end, (Position{3, std::filesystem::file_size(raw_path(directory(), 3))}));
}

TEST_F(JournalReading, FiltersByAccount) {
  Filter filter;
  filter.account = "account3";
  expect(filter, [](const Event& event) { return event.origin.account == "account3"; });
}

TEST_F(JournalReading, FiltersByRepository) {
  Filter filter;
  filter.repository = "library/app2";
  expect(filter, [](const Event& event) { return event.repository == "library/app2"; });
}

TEST_F(JournalReading, FiltersByDigestInEachSegment) {
  for (const std::uint64_t number : {std::uint64_t{7}, kPerSegment + 7, 2 * kPerSegment + 7}) {
    Filter filter;
    filter.digest = numbered(number).new_digest;
    expect(filter, [&](const Event& event) { return event == numbered(number); });
  }
}

TEST_F(JournalReading, FiltersByAddress) {
  Filter filter;
  filter.address = "192.0.2.4";
  expect(filter, [](const Event& event) { return event.origin.address == "192.0.2.4"; });
}

TEST_F(JournalReading, FiltersByAction) {
  Filter filter;
  filter.action = Action::blob_pulled;
  expect(filter, [](const Event& event) { return event.action == Action::blob_pulled; });
}

TEST_F(JournalReading, FiltersByTimeWithTheStartIncludedAndTheEndNot) {
  Filter filter;
  filter.since = numbered(100).at;
  filter.until = numbered(kPerSegment + 100).at;
  expect(filter, [](const Event& event) {
    return event.at >= numbered(100).at && event.at <= numbered(kPerSegment + 99).at;
  });
}

TEST_F(JournalReading, FiltersTogether) {
  Filter filter;
  filter.account = "account1";
  filter.address = "192.0.2.1";
  filter.since = numbered(kPerSegment).at;
  expect(filter, [](const Event& event) {
    return event.origin.account == "account1" && event.origin.address == "192.0.2.1" &&
           event.at >= numbered(kPerSegment).at;
  });
}

TEST_F(JournalReading, StopsWhenTheVisitorSaysSoAndGoesOnFromThere) {
  auto reader = JournalReader::open(directory());
  std::vector<Event> seen;
  Position position;
  Damage damage;
  while (seen.size() < all_.size()) {
    std::size_t count = 0;
    auto end = reader->scan(
        {}, position,
        [&](const EventView& event, Position) {
          seen.push_back(to_event(event));
          return ++count < 701;
        },
        damage);
    ASSERT_TRUE(end.has_value());
    ASSERT_GT(*end, position);
    position = *end;
  }
  EXPECT_EQ(seen, all_);
}

TEST_F(JournalReading, NewestReachesBackOverSegments) {
  auto reader = JournalReader::open(directory());
  std::deque<Event> newest;
  Damage damage;
  ASSERT_TRUE(reader->newest({}, 2 * kPerSegment + 300, newest, damage).has_value());
  EXPECT_EQ(std::vector<Event>(newest.begin(), newest.end()),
            std::vector<Event>(all_.begin() + kPerSegment - 300, all_.end()));
}

TEST_F(JournalReading, APositionStaysValidWhenItsSegmentIsSealedOrRemoved) {
  auto reader = JournalReader::open(directory());
  Damage damage;
  std::size_t count = 0;
  auto position = reader->scan(
      {}, {2, 0}, [&](const EventView&, Position) { return ++count < 10; }, damage);
  ASSERT_TRUE(position.has_value());
  ASSERT_TRUE(seal_segment(directory(), 2, [] { return true; }).has_value());
  EXPECT_EQ(read_journal(directory(), {}, *position).events,
            std::vector<Event>(all_.begin() + kPerSegment + 10, all_.end()));
  std::filesystem::remove(sealed_path(directory(), 2));
  EXPECT_EQ(read_journal(directory(), {}, *position).events,
            std::vector<Event>(all_.begin() + 2 * kPerSegment, all_.end()));
}

TEST_F(JournalReading, RefusesAPositionPastTheEnd) {
  auto reader = JournalReader::open(directory());
  Damage damage;
  auto end = reader->scan(
      {}, {4, 0}, [](const EventView&, Position) { return true; }, damage);
  ASSERT_FALSE(end.has_value());
  EXPECT_EQ(end.error().code, Errc::invalid_argument);
}

TEST(JournalReader, FindsNothingWhereThereIsNoJournal) {
  TemporaryDirectory directory;
  const ReadBack back = read_journal(directory.path() / "none");
  EXPECT_TRUE(back.events.empty());
  EXPECT_EQ(back.end, Position{});
}

TEST(JournalReader, WaitsBehindARecordThatIsBeingWritten) {
  TemporaryDirectory directory;
  const SegmentHeader header{.number = 1, .created_at = {}, .salt = 3};
  const std::string first = segment_of(header, {numbered(1)});
  const std::string second = encoded(numbered(2), header.salt);
  for (std::size_t size = 0; size < second.size(); ++size) {
    write_file(raw_path(directory.path(), 1), first + second.substr(0, size));
    const ReadBack back = read_journal(directory.path());
    EXPECT_EQ(back.events, std::vector{numbered(1)});
    EXPECT_EQ(back.damage.places, 0u);
    ASSERT_EQ(back.end, (Position{1, first.size()}));
  }
  write_file(raw_path(directory.path(), 1), first + second);
  EXPECT_EQ(read_journal(directory.path(), {}, {1, first.size()}).events, std::vector{numbered(2)});
}

TEST(JournalReader, FollowsAWriterOverRotationsAndSealingWithNothingLostOrDoubled) {
  constexpr std::uint64_t kCount = 20'000;
  TemporaryDirectory directory;
  auto journal =
      Journal::open(directory.path(), {.segment_bytes = 64 << 10, .total_bytes = 1 << 30}, Log::none());
  ASSERT_TRUE(journal.has_value());
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kCount; ++i) (*journal)->append(numbered(i));
  });
  std::uint64_t next = 0;
  Position position;
  Damage damage;
  const auto follow = [&] {
    auto reader = JournalReader::open(directory.path());
    if (!reader) return false;
    auto end = reader->scan(
        {}, position,
        [&](const EventView& event, Position) {
          EXPECT_EQ(event.at, numbered(next).at);
          ++next;
          return next % 997 != 0;
        },
        damage);
    EXPECT_TRUE(end.has_value()) << end.error().message;
    if (end) position = *end;
    return next >= kCount || testing::Test::HasFailure();
  };
  EXPECT_TRUE(eventually(follow));
  writer.join();
  EXPECT_EQ(next, kCount);
  EXPECT_EQ(damage.places, 0u) << damage.first;
  EXPECT_GT(position.segment, 10u);
}

}  // namespace
}  // namespace bulkhead::audit

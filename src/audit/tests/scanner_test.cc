#include "audit/scanner.h"

#include <gtest/gtest.h>

#include <cstring>

#include "audit/tests/support.h"

namespace bulkhead::audit {
namespace {

constexpr std::uint32_t kSalt = 99;

struct Outcome {
  std::vector<Event> events;
  std::vector<Gap> gaps;
  std::uint64_t intact_end = 0;
};

Outcome drain(RecordScanner scanner) {
  Outcome outcome;
  for (;;) {
    auto record = scanner.next();
    EXPECT_TRUE(record.has_value());
    if (scanner.gap()) outcome.gaps.push_back(*scanner.gap());
    if (!record || !*record) break;
    outcome.events.push_back(to_event((*record)->event));
  }
  outcome.intact_end = scanner.intact_end();
  return outcome;
}

// Through memory and through a source that is read in windows: the two must agree.
Outcome scan(const std::string& bytes) {
  Outcome in_memory = drain(RecordScanner(as_bytes(bytes), kSalt, 1000));
  const Outcome windowed = drain(RecordScanner(
      [&](std::uint64_t offset, std::span<std::byte> buffer) -> Result<std::size_t> {
        const Bytes rest = as_bytes(bytes).subspan(offset - 1000);
        const std::size_t count = std::min(rest.size(), buffer.size());
        if (count > 0) std::memcpy(buffer.data(), rest.data(), count);
        return count;
      },
      kSalt, 1000, 1000 + bytes.size()));
  EXPECT_EQ(windowed.events, in_memory.events);
  EXPECT_EQ(windowed.gaps.size(), in_memory.gaps.size());
  EXPECT_EQ(windowed.intact_end, in_memory.intact_end);
  return in_memory;
}

TEST(RecordScanner, ReadsManyWindowsOfRecords) {
  std::string bytes;
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    events.push_back(numbered(i));
    bytes += encoded(events.back(), kSalt);
  }
  ASSERT_GT(bytes.size(), std::size_t{512} << 10);
  const Outcome outcome = scan(bytes);
  EXPECT_EQ(outcome.events, events);
  EXPECT_TRUE(outcome.gaps.empty());
  EXPECT_EQ(outcome.intact_end, 1000 + bytes.size());
}

TEST(RecordScanner, FindsNothingInNothing) {
  const Outcome outcome = scan("");
  EXPECT_TRUE(outcome.events.empty());
  EXPECT_TRUE(outcome.gaps.empty());
  EXPECT_EQ(outcome.intact_end, 1000u);
}

TEST(RecordScanner, StepsOverAFlippedByteAnywhereInARecord) {
  const std::string first = encoded(numbered(1), kSalt);
  const std::string second = encoded(numbered(2), kSalt);
  const std::string third = encoded(numbered(3), kSalt);
  for (std::size_t i = 0; i < second.size(); ++i) {
    std::string flipped = second;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x55);
    const Outcome outcome = scan(first + flipped + third);
    EXPECT_EQ(outcome.events, (std::vector{numbered(1), numbered(3)})) << i;
    ASSERT_EQ(outcome.gaps.size(), 1u);
    EXPECT_EQ(outcome.gaps[0].begin, 1000 + first.size());
    EXPECT_EQ(outcome.gaps[0].end, 1000 + first.size() + second.size());
    EXPECT_FALSE(outcome.gaps[0].torn);
  }
}

TEST(RecordScanner, CallsAnUnfinishedEndTornAndADamagedOneNot) {
  const std::string first = encoded(numbered(1), kSalt);
  std::string second = encoded(numbered(2), kSalt);
  for (std::size_t size = 1; size < second.size(); ++size) {
    const Outcome outcome = scan(first + second.substr(0, size));
    ASSERT_EQ(outcome.gaps.size(), 1u);
    EXPECT_TRUE(outcome.gaps[0].torn) << size;
    EXPECT_EQ(outcome.intact_end, 1000 + first.size());
  }
  second.back() = static_cast<char>(second.back() ^ 1);
  const Outcome outcome = scan(first + second);
  ASSERT_EQ(outcome.gaps.size(), 1u);
  EXPECT_FALSE(outcome.gaps[0].torn);
  EXPECT_EQ(outcome.events.size(), 1u);
}

TEST(RecordScanner, StepsOverAHoleLargerThanItsWindow) {
  const std::string first = encoded(numbered(1), kSalt);
  const std::string hole(std::size_t{600} << 10, '\0');
  const Outcome outcome = scan(first + hole + encoded(numbered(2), kSalt));
  EXPECT_EQ(outcome.events, (std::vector{numbered(1), numbered(2)}));
  ASSERT_EQ(outcome.gaps.size(), 1u);
  EXPECT_EQ(outcome.gaps[0].end - outcome.gaps[0].begin, hole.size());
}

TEST(RecordScanner, DoesNotTakeARecordInsideATextForOne) {
  Event forged = numbered(66);
  forged.origin.account = "forged";
  // A client does not know the salt; without one the forgery would come through.
  for (const std::uint32_t guess : {0u, kSalt}) {
    Event carrier = numbered(1);
    carrier.origin.user_agent = encoded(forged, guess);
    ASSERT_LT(carrier.origin.user_agent.size(), kMaxTextBytes);
    std::string damaged = encoded(carrier, kSalt);
    damaged[0] = static_cast<char>(damaged[0] ^ 1);
    const Outcome outcome = scan(damaged + encoded(numbered(2), kSalt));
    EXPECT_EQ(outcome.events.size(), guess == kSalt ? 2u : 1u);
    EXPECT_EQ(outcome.events.back(), numbered(2));
  }
}

TEST(RecordScanner, PassesOnTheFailureOfItsSource) {
  RecordScanner scanner(
      [](std::uint64_t, std::span<std::byte>) -> Result<std::size_t> {
        return Error{Errc::internal, "the disk is gone"};
      },
      kSalt, 0, 100);
  const auto record = scanner.next();
  ASSERT_FALSE(record.has_value());
  EXPECT_EQ(record.error().message, "the disk is gone");
}

}  // namespace
}  // namespace bulkhead::audit

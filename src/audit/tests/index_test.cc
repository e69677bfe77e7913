#include "audit/index.h"

#include <gtest/gtest.h>

#include "audit/filter.h"
#include "audit/tests/support.h"

namespace bulkhead::audit {
namespace {

SegmentIndex sample() {
  SegmentIndex index{.number = 3, .frames = {}};
  std::uint64_t offset = 0;
  for (std::uint64_t frame = 0; frame < 3; ++frame) {
    SummaryBuilder builder;
    for (std::uint64_t i = 0; i < 10; ++i) builder.add(view(numbered(frame * 10 + i)));
    index.frames.push_back(Frame{.offset = offset,
                                 .size = 4000,
                                 .stored_offset = offset / 4,
                                 .stored_size = 1000,
                                 .summary = builder.take()});
    offset += 4000;
  }
  return index;
}

TEST(BloomFilter, HoldsAllThatWasPutInAndLittleElse) {
  BloomFilter::Hashes hashes;
  for (int i = 0; i < 1000; ++i) hashes.insert(BloomFilter::hash("in" + std::to_string(i)));
  const BloomFilter filter(hashes);
  for (const std::uint64_t hash : hashes) EXPECT_TRUE(filter.may_contain(hash));
  int wrong = 0;
  for (int i = 0; i < 10'000; ++i)
    wrong += filter.may_contain(BloomFilter::hash("out" + std::to_string(i))) ? 1 : 0;
  EXPECT_LT(wrong, 300);
  EXPECT_FALSE(BloomFilter().may_contain(BloomFilter::hash("anything")));
}

// Stored in files: it may not change with the compiler or the program's version.
TEST(BloomFilter, HashesAsTheFormatSays) {
  EXPECT_EQ(BloomFilter::hash(""), 0xecba3df2c3383c52u);
  EXPECT_EQ(BloomFilter::hash("library/debian"), 0xbbe42a8f1dc2270u);
}

TEST(SegmentIndex, ReadsBack) {
  const SegmentIndex index = sample();
  const std::string bytes = index.render();
  const auto parsed = SegmentIndex::parse(as_bytes(bytes));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->number, 3u);
  EXPECT_EQ(parsed->render(), bytes);
  ASSERT_EQ(parsed->frames.size(), 3u);
  EXPECT_EQ(parsed->frames[1].summary.records, 10u);
  EXPECT_EQ(parsed->frames[1].summary.first, numbered(10).at);
  EXPECT_EQ(parsed->frames[1].summary.last, numbered(19).at);
}

TEST(SegmentIndex, RefusesAnyFlippedByteAndAnyShorterLength) {
  const std::string bytes = sample().render();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 4);
    EXPECT_FALSE(SegmentIndex::parse(as_bytes(flipped)).has_value()) << i;
    EXPECT_FALSE(SegmentIndex::parse(as_bytes(bytes).first(i)).has_value()) << i;
  }
}

TEST(FrameTest, PassesWhatAFrameHoldsAndSkipsWhatItDoesNot) {
  SummaryBuilder builder;
  for (std::uint64_t i = 10; i < 20; ++i) builder.add(view(numbered(i)));
  const Summary summary = builder.take();
  const auto may_match = [&](const Filter& filter) { return FrameTest(filter).may_match(summary); };
  EXPECT_TRUE(may_match({}));

  Filter filter;
  filter.account = "account3";
  filter.repository = "library/app1";
  filter.address = "192.0.2.2";
  filter.digest = numbered(12).new_digest;
  filter.action = Action::blob_pulled;
  filter.since = numbered(19).at;
  filter.until = numbered(11).at;
  EXPECT_TRUE(may_match(filter));

  const auto differs = [&](auto change) {
    Filter other = filter;
    change(other);
    return !may_match(other);
  };
  EXPECT_TRUE(differs([](Filter& f) { f.account = "nobody"; }));
  EXPECT_TRUE(differs([](Filter& f) { f.repository = "library/none"; }));
  EXPECT_TRUE(differs([](Filter& f) { f.address = "192.0.2.77"; }));
  EXPECT_TRUE(differs([](Filter& f) { f.digest = numbered(20).new_digest; }));
  EXPECT_TRUE(differs([](Filter& f) { f.action = Action::login_failed; }));
  EXPECT_TRUE(differs([](Filter& f) { f.since = numbered(20).at; }));
  EXPECT_TRUE(differs([](Filter& f) { f.until = numbered(10).at; }));
}

TEST(FrameTest, FindsADigestThatIsOnlyATargetOrAnOldOne) {
  SummaryBuilder builder;
  Event event = numbered(1);
  event.target = "sha256:target";
  event.old_digest = "sha256:old";
  builder.add(view(event));
  const Summary summary = builder.take();
  for (const char* digest : {"sha256:target", "sha256:old"}) {
    Filter filter;
    filter.digest = digest;
    EXPECT_TRUE(FrameTest(filter).may_match(summary));
    EXPECT_TRUE(matches(filter, view(event)));
  }
}

}  // namespace
}  // namespace bulkhead::audit

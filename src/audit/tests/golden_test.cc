// Files that format version 1 wrote, kept for ever: docs/formats/journal.md walks through them. A change that
// cannot read them, or that writes other bytes, needs a new version.
#include <gtest/gtest.h>

#include "audit/index.h"
#include "audit/journal_reader.h"
#include "audit/segment_reader.h"
#include "audit/tests/support.h"

namespace bulkhead::audit {
namespace {

const SegmentHeader kHeader{
    .number = 1, .created_at = from_micros(1'769'847'300'000'000), .salt = 0x5eed5a17};

std::vector<Event> golden_events() {
  const std::string digest = "sha256:" + std::string(64, 'a');
  return {
      {.at = from_micros(1'769'847'300'123'456),
       .action = Action::manifest_pulled,
       .origin = {.account = "alice",
                  .credential = "bearer:7",
                  .address = "192.0.2.1",
                  .user_agent = "skopeo/1.9.3",
                  .request_id = "r1"},
       .repository = "library/debian",
       .target = "bookworm",
       .old_digest = "",
       .new_digest = digest,
       .detail = ""},
      {.at = from_micros(1'769'847'301'000'000),
       .action = Action::login_failed,
       .origin = {.account = "",
                  .credential = "password",
                  .address = "2001:db8::1",
                  .user_agent = std::string("docker \xff\0", 9),
                  .request_id = "r2"},
       .repository = "",
       .target = "bob",
       .old_digest = "",
       .new_digest = "",
       .detail = "unknown"},
      {.at = from_micros(1'769'847'302'000'001),
       .action = Action::request_denied,
       .origin = {.account = "carol",
                  .credential = "bearer:9",
                  .address = "local",
                  .user_agent = "",
                  .request_id = "r3"},
       .repository = "secret/app",
       .target = std::string(200, 't'),
       .old_digest = "",
       .new_digest = "",
       .detail = "pull"},
  };
}

std::filesystem::path data(const char* folder) {
  return std::filesystem::path(BULKHEAD_TESTDATA) / folder;
}

TEST(GoldenJournal, TheRawSegmentReadsAndIsWrittenTheSame) {
  const ReadBack back = read_journal(data("journal_raw"));
  EXPECT_EQ(back.events, golden_events());
  EXPECT_EQ(back.damage.places, 0u);
  EXPECT_EQ(segment_of(kHeader, golden_events()), file_contents(raw_path(data("journal_raw"), 1)));
}

TEST(GoldenJournal, TheSealedSegmentReadsWithItsIndex) {
  const ReadBack back = read_journal(data("journal_sealed"));
  EXPECT_EQ(back.events, golden_events());
  EXPECT_EQ(back.damage.places, 0u);
  auto reader = SegmentReader::open(data("journal_sealed"), 1);
  ASSERT_TRUE(reader.has_value() && reader->has_value());
  ASSERT_EQ((*reader)->blocks(), 2u);
  ASSERT_NE((*reader)->summary(1), nullptr);
  for (const char* account : {"alice", "carol"}) {
    Filter filter;
    filter.account = account;
    EXPECT_TRUE(FrameTest(filter).may_match(*(*reader)->summary(1)));
    EXPECT_EQ(read_journal(data("journal_sealed"), filter).events.size(), 1u);
  }
  Filter filter;
  filter.account = "mallory";
  EXPECT_FALSE(FrameTest(filter).may_match(*(*reader)->summary(1)));
}

TEST(GoldenJournal, TheIndexIsWrittenTheSame) {
  const std::string bytes = file_contents(index_path(data("journal_sealed"), 1));
  auto index = SegmentIndex::parse(as_bytes(bytes));
  ASSERT_TRUE(index.has_value());
  SummaryBuilder builder;
  for (const Event& event : golden_events()) builder.add(view(event));
  index->frames.at(1).summary = builder.take();
  EXPECT_EQ(index->render(), bytes);
}

}  // namespace
}  // namespace bulkhead::audit

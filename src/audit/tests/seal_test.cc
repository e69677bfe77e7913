#include "audit/seal.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>

#include "audit/recovery.h"
#include "audit/segment_reader.h"
#include "audit/tests/support.h"

namespace bulkhead::audit {
namespace {

const SegmentHeader kHeader{.number = 1, .created_at = {}, .salt = 77};
constexpr std::uint64_t kEvents = 4000;

class Seal : public testing::Test {
 protected:
  void SetUp() override {
    for (std::uint64_t i = 0; i < kEvents; ++i) events_.push_back(numbered(i));
    raw_ = segment_of(kHeader, events_);
    write_file(raw_path(directory(), 1), raw_);
  }

  const std::filesystem::path& directory() const { return temporary_.path(); }
  Sealed seal() {
    auto sealed = seal_segment(directory(), 1, [] { return true; });
    EXPECT_TRUE(sealed.has_value() && sealed->has_value());
    return sealed && *sealed ? **sealed : Sealed{};
  }
  bool exists(const std::filesystem::path& path) const { return std::filesystem::exists(path); }

  // As `zstd -d` does it.
  std::string decompressed() const {
    const std::string stored = file_contents(sealed_path(directory(), 1));
    std::string out(raw_.size() + 1, '\0');
    const std::size_t size = ZSTD_decompress(out.data(), out.size(), stored.data(), stored.size());
    EXPECT_FALSE(ZSTD_isError(size));
    out.resize(size);
    return out;
  }

  TemporaryDirectory temporary_;
  std::vector<Event> events_;
  std::string raw_;
};

TEST_F(Seal, ReplacesTheRawSegmentByTheSameBytesCompressed) {
  const Sealed sealed = seal();
  EXPECT_EQ(sealed.records, kEvents);
  EXPECT_EQ(sealed.raw_bytes, raw_.size());
  EXPECT_EQ(sealed.stored_bytes, std::filesystem::file_size(sealed_path(directory(), 1)));
  EXPECT_LT(sealed.stored_bytes, sealed.raw_bytes / 3);
  EXPECT_FALSE(exists(raw_path(directory(), 1)));
  EXPECT_EQ(decompressed(), raw_);
  const ReadBack back = read_journal(directory());
  EXPECT_EQ(back.events, events_);
  EXPECT_EQ(back.damage.places, 0u);
}

TEST_F(Seal, CutsFramesThatCanBeSkipped) {
  seal();
  auto reader = SegmentReader::open(directory(), 1);
  ASSERT_TRUE(reader.has_value() && reader->has_value());
  SegmentReader& segment = **reader;
  ASSERT_GE(segment.blocks(), 4u);
  std::size_t candidates = 0;
  Filter filter;
  filter.digest = events_[1000].new_digest;
  for (std::size_t block = 0; block < segment.blocks(); ++block) {
    EXPECT_LE(segment.block_end(block) - segment.block_begin(block), kMaxFrameBytes);
    ASSERT_NE(segment.summary(block), nullptr);
    candidates += FrameTest(filter).may_match(*segment.summary(block)) ? 1 : 0;
  }
  EXPECT_EQ(candidates, 1u);
  EXPECT_EQ(read_journal(directory(), filter).events, std::vector{events_[1000]});
}

TEST_F(Seal, AnInterruptedOneChangesNothing) {
  auto sealed = seal_segment(directory(), 1, [] { return false; });
  ASSERT_TRUE(sealed.has_value());
  EXPECT_FALSE(sealed->has_value());
  EXPECT_EQ(file_contents(raw_path(directory(), 1)), raw_);
  const auto listing = list_directory(directory());
  EXPECT_TRUE(listing->unfinished.empty());
  EXPECT_EQ(listing->segments,
            (std::vector{SegmentFiles{.number = 1, .raw = true, .sealed = false, .index = false}}));
}

// Every state that a crash during sealing can leave, by what is on disk.
TEST_F(Seal, EveryCrashPointReadsEachRecordOnceAndRecovers) {
  seal();
  const std::string stored = file_contents(sealed_path(directory(), 1));
  const std::string index = file_contents(index_path(directory(), 1));
  struct State {
    const char* name;
    bool raw, index, sealed;
    std::string unfinished_sealed, unfinished_index;
  };
  const State states[] = {
      {"half of the sealed file", true, false, false, stored.substr(0, stored.size() / 2), ""},
      {"index not yet moved", true, false, false, stored, index},
      {"index moved", true, true, false, stored, ""},
      {"sealed file moved", true, true, true, "", ""},
      {"raw file removed", false, true, true, "", ""},
  };
  for (const State& state : states) {
    SCOPED_TRACE(state.name);
    TemporaryDirectory crashed;
    const auto& path = crashed.path();
    if (state.raw) write_file(raw_path(path, 1), raw_);
    if (state.index) write_file(index_path(path, 1), index);
    if (state.sealed) write_file(sealed_path(path, 1), stored);
    if (!state.unfinished_sealed.empty())
      write_file(sealed_path(path, 1).string() + ".tmp", state.unfinished_sealed);
    if (!state.unfinished_index.empty())
      write_file(index_path(path, 1).string() + ".tmp", state.unfinished_index);
    // The crash came long after the next segment was begun.
    write_file(raw_path(path, 2),
               segment_of({.number = 2, .created_at = {}, .salt = 5}, {numbered(kEvents)}));

    std::vector<Event> expected = events_;
    expected.push_back(numbered(kEvents));
    EXPECT_EQ(read_journal(path).events, expected);
    const auto recovered = recover(path, Log::none());
    ASSERT_TRUE(recovered.has_value());
    EXPECT_EQ(recovered->unsealed,
              state.sealed ? std::vector<std::uint64_t>{} : std::vector<std::uint64_t>{1});
    EXPECT_EQ(recovered->open->number, 2u);
    const auto listing = list_directory(path);
    EXPECT_TRUE(listing->unfinished.empty());
    EXPECT_EQ(listing->segments[0].raw, !state.sealed);
    EXPECT_EQ(listing->segments[0].index, state.sealed);
    if (!state.sealed) {
      ASSERT_TRUE(seal_segment(path, 1, [] { return true; }).has_value());
    }
    EXPECT_EQ(read_journal(path).events, expected);
  }
}

TEST_F(Seal, LeavesOutATornEndAndSaysSo) {
  write_file(raw_path(directory(), 1), raw_ + encoded(numbered(9), kHeader.salt).substr(0, 50));
  const Sealed sealed = seal();
  EXPECT_EQ(sealed.cut_bytes, 50u);
  EXPECT_EQ(decompressed(), raw_);
}

TEST_F(Seal, KeepsDamagedBytesInTheMiddleAndReadersReportThem) {
  std::string damaged = raw_;
  damaged[raw_.size() / 2] = static_cast<char>(damaged[raw_.size() / 2] ^ 1);
  write_file(raw_path(directory(), 1), damaged);
  const Sealed sealed = seal();
  EXPECT_EQ(sealed.records, kEvents - 1);
  EXPECT_GT(sealed.damaged_bytes, 0u);
  EXPECT_EQ(decompressed(), damaged);
  const ReadBack back = read_journal(directory());
  EXPECT_EQ(back.events.size(), kEvents - 1);
  EXPECT_EQ(back.damage.places, 1u);
}

TEST_F(Seal, DoesNotTouchASegmentWhoseHeaderIsDamaged) {
  std::string damaged = raw_;
  damaged[20] = 'x';
  write_file(raw_path(directory(), 1), damaged);
  auto sealed = seal_segment(directory(), 1, [] { return true; });
  ASSERT_FALSE(sealed.has_value());
  EXPECT_EQ(sealed.error().code, Errc::corrupt);
  EXPECT_EQ(file_contents(raw_path(directory(), 1)), damaged);
  // The salt happens to be intact: the records are readable all the same.
  const ReadBack back = read_journal(directory());
  EXPECT_EQ(back.events, events_);
  EXPECT_EQ(back.damage.places, 1u);
}

TEST_F(Seal, ReadsWithoutAnIndexOrWithADamagedOne) {
  seal();
  std::string index = file_contents(index_path(directory(), 1));
  index[index.size() / 2] = static_cast<char>(index[index.size() / 2] ^ 1);
  write_file(index_path(directory(), 1), index);
  EXPECT_EQ(read_journal(directory()).events, events_);
  std::filesystem::remove(index_path(directory(), 1));
  Filter filter;
  filter.account = "account3";
  const ReadBack back = read_journal(directory(), filter);
  EXPECT_EQ(back.events.size(),
            static_cast<std::size_t>(std::ranges::count_if(
                events_, [](const Event& event) { return event.origin.account == "account3"; })));
  EXPECT_EQ(back.damage.places, 0u);
}

TEST_F(Seal, ARottenFrameCostsOnlyItself) {
  seal();
  std::string stored = file_contents(sealed_path(directory(), 1));
  stored[stored.size() / 2] = static_cast<char>(stored[stored.size() / 2] ^ 1);
  write_file(sealed_path(directory(), 1), stored);
  const ReadBack back = read_journal(directory());
  EXPECT_EQ(back.damage.places, 1u);
  EXPECT_NE(back.damage.first.find("damaged"), std::string::npos);
  EXPECT_LT(back.events.size(), kEvents);
  EXPECT_GT(back.events.size(), kEvents / 2);
  EXPECT_EQ(back.events.back(), events_.back());
}

}  // namespace
}  // namespace bulkhead::audit

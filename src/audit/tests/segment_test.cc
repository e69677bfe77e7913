#include "audit/segment.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "audit/crc32c.h"
#include "audit/little_endian.h"
#include "audit/tests/support.h"

namespace bulkhead::audit {
namespace {

const SegmentHeader kHeader{
    .number = 7, .created_at = from_micros(1'700'000'000'000'001), .salt = 0xfeedface};

TEST(SegmentHeader, ReadsBack) {
  const auto bytes = kHeader.render();
  const auto parsed = SegmentHeader::parse(bytes);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->number, kHeader.number);
  EXPECT_EQ(parsed->created_at, kHeader.created_at);
  EXPECT_EQ(parsed->salt, kHeader.salt);
}

TEST(SegmentHeader, RefusesAnyFlippedByteAndAnyShorterLength) {
  const auto bytes = kHeader.render();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto flipped = bytes;
    flipped[i] ^= std::byte{1};
    const auto parsed = SegmentHeader::parse(flipped);
    ASSERT_FALSE(parsed.has_value()) << i;
    EXPECT_EQ(parsed.error().code, Errc::corrupt);
    EXPECT_FALSE(SegmentHeader::parse(Bytes(bytes).first(i)).has_value());
  }
}

TEST(SegmentHeader, NamesANewerVersion) {
  auto bytes = kHeader.render();
  store(bytes.data() + 8, std::uint32_t{2});
  store(bytes.data() + 32, crc32c(0, Bytes(bytes).first(32)));
  const auto parsed = SegmentHeader::parse(bytes);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().code, Errc::unsupported);
}

TEST(SegmentNames, AreTwentyDigitsWithASuffix) {
  EXPECT_EQ(raw_path("/j", 42), "/j/00000000000000000042.seg");
  EXPECT_EQ(sealed_path("/j", 42), "/j/00000000000000000042.seg.zst");
  EXPECT_EQ(index_path("/j", 42), "/j/00000000000000000042.idx");
}

TEST(DirectoryListing, SortsSegmentsAndIgnoresStrangers) {
  TemporaryDirectory directory;
  for (const char* file : {"00000000000000000010.seg", "00000000000000000009.seg.zst",
                           "00000000000000000009.idx", "00000000000000000008.seg.zst.tmp", "README", "9.seg",
                           "0000000000000000000x.seg", "00000000000000000011.bak"})
    write_file(directory.path() / file, "x");
  const auto listing = list_directory_settled(directory.path());
  ASSERT_TRUE(listing.has_value());
  ASSERT_EQ(listing->segments.size(), 2u);
  EXPECT_EQ(listing->segments[0], (SegmentFiles{.number = 9, .raw = false, .sealed = true, .index = true}));
  EXPECT_EQ(listing->segments[1], (SegmentFiles{.number = 10, .raw = true, .sealed = false, .index = false}));
  EXPECT_EQ(listing->unfinished,
            (std::vector<std::filesystem::path>{directory.path() / "00000000000000000008.seg.zst.tmp"}));
  EXPECT_EQ(stored_bytes(directory.path(), listing->segments[0]), 2u);
}

TEST(DirectoryListing, OfAMissingDirectoryIsNotFound) {
  TemporaryDirectory directory;
  const auto listing = list_directory(directory.path() / "none");
  ASSERT_FALSE(listing.has_value());
  EXPECT_EQ(listing.error().code, Errc::not_found);
}

}  // namespace
}  // namespace bulkhead::audit

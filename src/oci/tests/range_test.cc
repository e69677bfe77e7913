#include "oci/range.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace bulkhead::oci {
namespace {

constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();

void expect_partial(std::string_view header, std::uint64_t size, std::uint64_t offset, std::uint64_t length) {
  const auto resolved = resolve_ranges(header, size);
  EXPECT_EQ(resolved.outcome, RangeOutcome::partial) << header;
  ASSERT_EQ(resolved.ranges.size(), 1u) << header;
  EXPECT_EQ(resolved.ranges[0].offset, offset) << header;
  EXPECT_EQ(resolved.ranges[0].length, length) << header;
}

TEST(Range, SelectsFromFirstToLastInclusive) {
  expect_partial("bytes=0-0", 2048, 0, 1);
  expect_partial("bytes=500-1499", 2048, 500, 1000);
  expect_partial("bytes=0-2047", 2048, 0, 2048);
  expect_partial("bytes=2047-2047", 2048, 2047, 1);
}

TEST(Range, WithoutAnEndRunsToTheEnd) { expect_partial("bytes=500-", 2048, 500, 1548); }

TEST(Range, SuffixSelectsTheLastBytes) {
  expect_partial("bytes=-500", 2048, 1548, 500);
  expect_partial("bytes=-5000", 2048, 0, 2048);
}

TEST(Range, EndPastTheEndIsCut) { expect_partial("bytes=2000-5000", 2048, 2000, 48); }

TEST(Range, IsReadWithoutRegardToCaseAndSpace) {
  expect_partial("Bytes=0-1", 10, 0, 2);
  expect_partial(" \tbytes= 0-1 ", 10, 0, 2);
}

TEST(Range, ThatSelectsNothingIsUnsatisfiable) {
  for (const std::string_view header :
       {"bytes=500-0", "bytes=2048-", "bytes=2048-2048", "bytes=5000-10000", "bytes=-0"}) {
    EXPECT_EQ(resolve_ranges(header, 2048).outcome, RangeOutcome::unsatisfiable) << header;
  }
  EXPECT_EQ(resolve_ranges("bytes=0-", 0).outcome, RangeOutcome::unsatisfiable);
  EXPECT_EQ(resolve_ranges("bytes=0-0", 0).outcome, RangeOutcome::unsatisfiable);
}

TEST(Range, SuffixOfAnEmptyBlobIsTheWholeBlob) {
  EXPECT_EQ(resolve_ranges("bytes=-1", 0).outcome, RangeOutcome::whole);
}

TEST(Range, NumbersPast64BitsDoNotWrap) {
  // 2^64 + 5 would wrap to 5, and 2^64 to 0.
  EXPECT_EQ(resolve_ranges("bytes=18446744073709551621-", 2048).outcome, RangeOutcome::unsatisfiable);
  EXPECT_EQ(resolve_ranges("bytes=18446744073709551616-18446744073709551621", 2048).outcome,
            RangeOutcome::unsatisfiable);
  expect_partial("bytes=10-18446744073709551621", 2048, 10, 2038);
  expect_partial("bytes=-18446744073709551617", 2048, 0, 2048);
  expect_partial("bytes=10-99999999999999999999999999999999999999999", 2048, 10, 2038);
  EXPECT_EQ(resolve_ranges("bytes=18446744073709551615-", kMax).outcome, RangeOutcome::unsatisfiable);
  expect_partial("bytes=0-18446744073709551615", kMax, 0, kMax);
}

TEST(Range, ThatIsNotUnderstoodIsIgnored) {
  for (const std::string_view header :
       {"",           "bytes",      "bytes=",     "bytes=-",     "bytes=5",     "bytes=a-b",
        "bytes=0-b",  "bytes=a-5",  "bytes=+1-5", "bytes=1-+5",  "bytes=0x1-5", "bytes=1 -5",
        "bytes=--5",  "bytes=1--5", "bytes=1-5-", "bytes=0-1,3", "bytes=,",     "items=0-5",
        "bytesx=0-5", "byte=0-5",   "bytes 0-5",  "0-5",         "bytes:0-5",   "=0-5"}) {
    EXPECT_EQ(resolve_ranges(header, 2048).outcome, RangeOutcome::whole) << header;
  }
}

// "0+10 20+5": offsets and lengths.
std::string several(std::string_view header, std::uint64_t size) {
  const auto resolved = resolve_ranges(header, size);
  if (resolved.outcome == RangeOutcome::whole) return "whole";
  if (resolved.outcome == RangeOutcome::unsatisfiable) return "unsatisfiable";
  std::string text;
  for (const ByteRange& range : resolved.ranges)
    text += (text.empty() ? "" : " ") + std::to_string(range.offset) + "+" + std::to_string(range.length);
  return text;
}

TEST(Ranges, AreTakenInTheirOrder) {
  EXPECT_EQ(several("bytes=0-9,20-24", 100), "0+10 20+5");
  EXPECT_EQ(several("bytes=20-24 ,\t0-9, -10,", 100), "20+5 0+10 90+10");
  EXPECT_EQ(several("bytes=,,0-0,1-1", 100), "0+1 1+1");
  EXPECT_EQ(several("bytes=0-49,50-", 100), "0+50 50+50");
}

TEST(Ranges, WhatIsNotThereIsLeftOut) {
  EXPECT_EQ(several("bytes=0-9,100-200", 100), "0+10");
  EXPECT_EQ(several("bytes=0-9,-0", 100), "0+10");
  EXPECT_EQ(several("bytes=100-,200-300", 100), "unsatisfiable");
}

TEST(Ranges, ThatOverlapOrAreMalformedAreTheWhole) {
  for (const std::string_view header :
       {"bytes=0-9,9-19", "bytes=9-19,0-9", "bytes=0-,0-", "bytes=0-9,-95", "bytes=0-9,x", "bytes=0-9,9-8",
        "bytes=9-8,0-1", "bytes=0-9;20-29", "bytes=0-18446744073709551615,1-1"})
    EXPECT_EQ(several(header, 100), "whole") << header;
}

TEST(Ranges, AreLimitedInNumber) {
  std::string header = "bytes=";
  for (std::size_t i = 0; i < kMaxRanges; ++i)
    header += std::to_string(2 * i) + "-" + std::to_string(2 * i) + ",";
  EXPECT_EQ(resolve_ranges(header, 1 << 20).ranges.size(), kMaxRanges);
  EXPECT_EQ(several(header + "5000-5001", 1 << 20), "whole");
  EXPECT_EQ(several(header + "-1", 0), "whole");
}

void expect_content_range(std::string_view header, std::uint64_t offset, std::uint64_t length) {
  const auto range = parse_content_range(header);
  ASSERT_TRUE(range) << header << ": " << range.error().message;
  EXPECT_EQ(range->offset, offset) << header;
  EXPECT_EQ(range->length, length) << header;
}

TEST(ContentRange, IsFirstToLastInclusive) {
  expect_content_range("0-1023", 0, 1024);
  expect_content_range("1024-1024", 1024, 1);
  expect_content_range(" 5-9 ", 5, 5);
}

TEST(ContentRange, MayCarryTheUnitAndATotal) {
  expect_content_range("bytes 0-1023/*", 0, 1024);
  expect_content_range("bytes 0-1023/1024", 0, 1024);
  expect_content_range("bytes=0-1023", 0, 1024);
  expect_content_range("bytes 10-19", 10, 10);
}

TEST(ContentRange, RefusesMalformedText) {
  for (const std::string_view header :
       {"",     "-",     "5",         "5-",        "-5",      "0--1",    "a-b",    "0-b",
        "+0-5", "0-5-6", "0 - 5",     "0-5/",      "0-5/x",   "0-5/5/6", "0-5/-1", "0/5-9",
        "/5-9", "bytes", "bytes */5", "items 0-5", "0-5,6-7", "0x0-5"}) {
    const auto range = parse_content_range(header);
    ASSERT_FALSE(range) << header;
    EXPECT_EQ(range.error().code, Errc::range_invalid) << header;
  }
}

TEST(ContentRange, RefusesAnEndBeforeTheStart) {
  EXPECT_EQ(parse_content_range("5-4").error().code, Errc::range_invalid);
}

TEST(ContentRange, RefusesAnEndPastItsOwnTotal) {
  EXPECT_EQ(parse_content_range("bytes 0-5/5").error().code, Errc::range_invalid);
  EXPECT_EQ(parse_content_range("bytes 0-5/0").error().code, Errc::range_invalid);
}

TEST(ContentRange, NumbersThatNoFileReachesDoNotWrap) {
  expect_content_range("0-9223372036854775806", 0, 9223372036854775807);
  for (const std::string_view header :
       {"0-9223372036854775807", "0-18446744073709551615", "0-18446744073709551616", "18446744073709551616-5",
        "18446744073709551616-18446744073709551621", "0-99999999999999999999999999"}) {
    const auto range = parse_content_range(header);
    ASSERT_FALSE(range) << header;
    EXPECT_EQ(range.error().code, Errc::range_invalid) << header;
  }
}

}  // namespace
}  // namespace bulkhead::oci

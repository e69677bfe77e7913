#include "cli/table.h"

#include <gtest/gtest.h>

#include "cli/help.h"

namespace bulkhead::cli {
namespace {

// 2026-11-30T12:00:00Z.
const Time kNow = Time(std::chrono::sys_days(std::chrono::year(2026) / 11 / 30)) + std::chrono::hours(12);

TEST(RelativeTime, IsToldFromNowOn) {
  EXPECT_EQ(relative_time("2026-11-30T12:00:00.123456Z", kNow), "just now");
  EXPECT_EQ(relative_time("2026-11-30T11:59:59Z", kNow), "1 second ago");
  EXPECT_EQ(relative_time("2026-11-30T11:57:00.000001Z", kNow), "3 minutes ago");
  EXPECT_EQ(relative_time("2026-11-29T13:00:00Z", kNow), "23 hours ago");
  EXPECT_EQ(relative_time("2026-11-29T11:00:00Z", kNow), "25 hours ago");
  EXPECT_EQ(relative_time("2026-12-07T12:00:00Z", kNow), "in 7 days");
  EXPECT_EQ(relative_time("2024-11-01T12:00:00Z", kNow), "2 years ago");
}

TEST(RelativeTime, LeavesWhatIsNoTime) {
  for (const std::string_view text : {"", "-", "yesterday", "2026-11-30", "2026-11-30T12:00:00",
                                      "2026-13-30T12:00:00Z", "2026-11-3xT12:00:00Z", "2026-11-30 12:00:00Z"})
    EXPECT_EQ(relative_time(text, kNow), text);
}

Screen screen(std::size_t columns) {
  return {.terminal = true, .columns = columns, .colour = false, .unicode = true};
}

TEST(Table, IsAsWideAsItMustBe) {
  EXPECT_EQ(render_for(screen(80), {{"NAME", "STATE"}, {"alice", "active"}, {"b", ""}}, kNow),
            "NAME   STATE\nalice  active\nb\n");
}

TEST(Table, ShortensTheWidestCells) {
  const Rows rows{{"A", "B"}, {"short", "one that is much too long"}};
  EXPECT_EQ(render_for(screen(20), rows, kNow), "A      B\nshort  one that is …\n");
  Screen plain = screen(20);
  plain.unicode = false;
  EXPECT_EQ(render_for(plain, rows, kNow), "A      B\nshort  one that is ~\n");
}

TEST(Table, IsOneLineACellWhereNothingElseFits) {
  EXPECT_EQ(render_for(screen(10), {{"A", "B"}, {"first cell", "second cell"}, {"x", ""}}, kNow),
            "A: first cell\nB: second cell\n\nA: x\n");
}

TEST(Table, ColoursStatesAndTheHeader) {
  Screen bright = screen(80);
  bright.colour = true;
  EXPECT_EQ(render_for(bright, {{"STATE", "N"}, {"revoked", "1"}}, kNow),
            "\x1b[1mSTATE\x1b[0m    \x1b[1mN\x1b[0m\n\x1b[31mrevoked\x1b[0m  1\n");
}

TEST(Table, MakesCellsSafe) {
  EXPECT_EQ(render_for(screen(80), {{"A"}, {"x\x1b[2Jy\n"}}, kNow).find('\x1b'), std::string::npos);
}

TEST(Wrap, BreaksBetweenWordsAlone) {
  EXPECT_EQ(wrap("one two three", 7), "one two\nthree\n");
  EXPECT_EQ(wrap("one two three", 7, 2), "one two\n  three\n");
  EXPECT_EQ(wrap("incomprehensibilities are long", 5), "incomprehensibilities\nare\nlong\n");
  EXPECT_EQ(wrap("  drawn as it is, however long\nand on", 8), "  drawn as it is, however long\nand on\n");
  EXPECT_EQ(wrap("", 8), "");
}

}  // namespace
}  // namespace bulkhead::cli

#include "base/shown.h"

#include <gtest/gtest.h>

#include <string>

namespace bulkhead {
namespace {

TEST(Shown, LeavesWhatPeopleSee) {
  for (const std::string_view text :
       {"", "plain ASCII ~!\"\\<&", "café", "Ж", "漢字", "٣", "🚀", "a\u0301", "❤\ufe0f"}) {
    EXPECT_EQ(shown(text), text);
    EXPECT_TRUE(shows(text)) << text;
  }
}

TEST(Shown, WritesOutWhatHidesOrDrives) {
  EXPECT_EQ(shown("a\x1b[2Jb"), "a\\u{1b}[2Jb");
  EXPECT_EQ(shown("\x7f"), "\\u{7f}");
  EXPECT_EQ(shown("\u009b"), "\\u{9b}");
  EXPECT_EQ(shown("\u202e"), "\\u{202e}");
  EXPECT_EQ(shown("x\u200by"), "x\\u{200b}y");
  EXPECT_EQ(shown("\U000e0041"), "\\u{e0041}");
  EXPECT_EQ(shown("one\r\n\ttwo"), "one\\r\\n\\ttwo");
  EXPECT_EQ(shown(std::string_view("\0", 1)), "\\u{0}");
}

TEST(Shown, HidesNothingOfTheRangesEdges) {
  // First and last of each range, and their neighbours.
  for (const char32_t point : {0xadu,   0x34fu,  0x61cu,  0x115fu, 0x1160u,  0x180bu,  0x180fu,  0x200bu,
                               0x200fu, 0x2028u, 0x202eu, 0x2060u, 0x206fu,  0x3164u,  0xfdd0u,  0xfdefu,
                               0xfeffu, 0xfff0u, 0xfffbu, 0xffffu, 0x1d173u, 0xe0000u, 0xe0fffu, 0x10ffffu}) {
    std::string text;
    if (point < 0x800)
      text = {static_cast<char>(0xc0 | point >> 6), static_cast<char>(0x80 | (point & 0x3f))};
    else if (point < 0x10000)
      text = {static_cast<char>(0xe0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 0x3f)),
              static_cast<char>(0x80 | (point & 0x3f))};
    else
      text = {static_cast<char>(0xf0 | point >> 18), static_cast<char>(0x80 | (point >> 12 & 0x3f)),
              static_cast<char>(0x80 | (point >> 6 & 0x3f)), static_cast<char>(0x80 | (point & 0x3f))};
    EXPECT_FALSE(shows(text)) << std::hex << static_cast<unsigned>(point);
  }
  for (const std::string_view seen :
       {"\u00ac", "\u00ae", "\u0350", "\u061b", "\u2010", "\u2027", "\u202f", "\u2070", "\ufffd"})
    EXPECT_TRUE(shows(seen)) << seen;
}

TEST(Shown, WritesOutBytesThatAreNoUtf8) {
  EXPECT_EQ(shown("a\xff"), "a\\xff");
  EXPECT_EQ(shown("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(shown("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(shown("\xf0\x9f\x9a"), "\\xf0\\x9f\\x9a");  // cut short
  EXPECT_EQ(shown("\x9b"), "\\x9b");                    // a terminal of Latin-1 obeys it
  EXPECT_EQ(shown("\xff", Shown::json), "\ufffd");
}

TEST(Shown, JoinsWhereScriptsJoin) {
  EXPECT_TRUE(shows("\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"));
  EXPECT_TRUE(shows("👩\u200d💻"));
  EXPECT_FALSE(shows("al\u200dice"));
  EXPECT_FALSE(shows("\u0646\u200c"));
  EXPECT_FALSE(shows("\u200c\u0646"));
  EXPECT_FALSE(shows("\u0646\u200c\u200c\u0646"));
}

TEST(Shown, KeepsLinesWhereTheyAreMeant) {
  EXPECT_EQ(shown("a\nb\x1b\r\n", Shown::lines), "a\nb\\u{1b}\\r\n");
}

TEST(Shown, IsTheSameTextInJson) {
  const std::string text = "q\"b\\s\n\x1b\u009b\u202e\U000e0041 é";
  const std::string quoted = "\"" + shown(text, Shown::json) + "\"";
  EXPECT_EQ(quoted, R"("q\"b\\s\u000a\u001b\u009b\u202e\udb40\udc41 é")");
}

TEST(Shown, ChangesNothingOfADocument) {
  const std::string document = "{\"a\":\"\u202e\\n\",\n\t\"b\":[1,\"\U000e0041\x7f\"]}";
  const std::string safe = shown(document, Shown::document);
  EXPECT_EQ(safe, "{\"a\":\"\\u202e\\n\",\n\t\"b\":[1,\"\\udb40\\udc41\\u007f\"]}");
}

TEST(Shown, FitsIntoHtmlAndToml) {
  EXPECT_EQ(shown("<a href='\"'>&\u202e", Shown::html), "&lt;a href=&#39;&quot;&#39;&gt;&amp;\\u{202e}");
  EXPECT_EQ(shown("a\"\\\u202e\U000e0041", Shown::toml), "a\\\"\\\\\\U0000202e\\U000e0041");
}

TEST(Shown, IsSafeAndStableForWhateverItIsGiven) {
  // Every pair of bytes: what comes out is what a second pass leaves, and holds nothing that a terminal
  // obeys.
  for (unsigned first = 0; first < 256; ++first)
    for (unsigned second = 0; second < 256; ++second) {
      const std::string safe = shown(std::string{static_cast<char>(first), static_cast<char>(second)});
      ASSERT_EQ(shown(safe), safe) << first << ' ' << second;
      for (const unsigned char c : safe) ASSERT_TRUE(c >= ' ' && c != 0x7f) << first << ' ' << second;
    }
}

TEST(ShellQuote, IsOneArgument) {
  EXPECT_EQ(shell_quote("/srv/data-1"), "/srv/data-1");
  EXPECT_EQ(shell_quote("a b"), "'a b'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote(""), "''");
}

TEST(Ascii, WritesOutWhatItDoesNotHave) {
  EXPECT_EQ(ascii("plain\n"), "plain\n");
  EXPECT_EQ(ascii("bhsetup_… – “it’s”"), "bhsetup_... - \"it's\"");
  EXPECT_EQ(ascii("Zoë 😀"), "Zo\\u{eb} \\u{1f600}");
  EXPECT_EQ(ascii("a\xffz"), "a\\xffz");
}

}  // namespace
}  // namespace bulkhead

#include "base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

namespace bulkhead {
namespace {

using namespace std::string_literals;

std::string written(LogLevel level, LogFormat format, const std::function<void(Log&)>& use) {
  testing::internal::CaptureStderr();
  {
    Log log(level, format);
    use(log);
  }
  return testing::internal::GetCapturedStderr();
}

auto lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

TEST(JsonQuote, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_EQ(json_quote(R"(a"b\c)"), R"("a\"b\\c")");
  EXPECT_EQ(json_quote("a\nb\r\t\x01\x7f"s), R"("a\u000ab\u000d\u0009\u0001\u007f")");
  EXPECT_EQ(json_quote("nul\0here"s), R"("nul\u0000here")");
}

TEST(JsonQuote, EscapesControlCharactersThatTerminalsObey) {
  EXPECT_EQ(json_quote("\x1b[2J"), R"("\u001b[2J")");
  EXPECT_EQ(json_quote("\xc2\x9b"s + "2J"), R"("\u009b2J")");
  EXPECT_EQ(json_quote("\xc2\xa0"), "\"\xc2\xa0\"");
}

TEST(JsonQuote, KeepsWellFormedUtf8) {
  const auto text = "h\xc3\xbcll \xe2\x9a\x93 \xf0\x9f\x9a\xa2"s;
  EXPECT_EQ(json_quote(text), '"' + text + '"');
}

TEST(JsonQuote, ReplacesEachByteThatIsNotUtf8) {
  const auto bad = "\xef\xbf\xbd"s;
  EXPECT_EQ(json_quote("a\xff"s + "b"), "\"a" + bad + "b\"");
  EXPECT_EQ(json_quote("\xc3"), "\"" + bad + "\"") << "cut off";
  EXPECT_EQ(json_quote("\xc0\xaf"), "\"" + bad + bad + "\"") << "overlong";
  EXPECT_EQ(json_quote("\xe0\x80\xaf"), "\"" + bad + bad + bad + "\"") << "overlong";
  EXPECT_EQ(json_quote("\xed\xa0\x80"), "\"" + bad + bad + bad + "\"") << "surrogate";
  EXPECT_EQ(json_quote("\xf4\x90\x80\x80"), "\"" + bad + bad + bad + bad + "\"") << "past U+10FFFF";
}

TEST(Log, WritesOneJsonObjectALine) {
  const auto out = written(LogLevel::info, LogFormat::json, [](Log& log) {
    log.info("pushed", {{"repository", "alice/app"}, {"bytes", 12}, {"new", true}});
  });
  const auto after_time = out.substr(out.find(",\"level\""));
  EXPECT_EQ(out.rfind("{\"time\":\"20", 0), 0u) << out;
  EXPECT_EQ(after_time,
            ",\"level\":\"info\",\"message\":\"pushed\",\"repository\":\"alice/app\",\"bytes\":12,"
            "\"new\":true}\n");
}

TEST(Log, AFieldCannotStartALineOfItsOwn) {
  const auto forge = [](Log& log) {
    log.warning("denied", {{"user_agent", "x\n2026-01-01T00:00:00Z info granted\r\nmore"}});
  };
  EXPECT_EQ(lines(written(LogLevel::info, LogFormat::text, forge)), 1);
  EXPECT_EQ(lines(written(LogLevel::info, LogFormat::json, forge)), 1);
}

TEST(Log, AFieldCannotPretendToBeAnother) {
  const auto out = written(LogLevel::info, LogFormat::text, [](Log& log) {
    log.info("login", {{"account", "eve\" admin=\"true"}});
  });
  EXPECT_NE(out.find(R"(account="eve\" admin=\"true")"), out.npos) << out;
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  const auto out = written(LogLevel::warning, LogFormat::text, [](Log& log) {
    log.debug("one");
    log.info("two");
    log.warning("three");
    log.error("four");
  });
  EXPECT_EQ(out.find("one"), out.npos);
  EXPECT_EQ(out.find("two"), out.npos);
  EXPECT_NE(out.find("warning three"), out.npos) << out;
  EXPECT_NE(out.find("four"), out.npos);
}

TEST(Log, NoneSaysNothing) {
  testing::internal::CaptureStderr();
  Log::none().error("unheard");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(LogLevel, ReadsItsFourNamesAndNothingElse) {
  EXPECT_EQ(parse_log_level("debug"), LogLevel::debug);
  EXPECT_EQ(parse_log_level("error"), LogLevel::error);
  for (const auto text : {"", "Info", "warn", "trace", "info "}) EXPECT_FALSE(parse_log_level(text)) << text;
}

}  // namespace
}  // namespace bulkhead

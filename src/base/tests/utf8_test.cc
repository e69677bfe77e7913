#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace bulkhead {
namespace {

TEST(Utf8, TakesOneCodePointAtATime) {
  std::string_view text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\xa2";
  for (const char32_t point : {U'a', U'\u00e9', U'\u20ac', U'\U0001f6a2'})
    EXPECT_EQ(take_code_point(text), point);
  EXPECT_TRUE(text.empty());
}

TEST(Utf8, RefusesWhatIsNotWellFormedAndTakesNothing) {
  for (const std::string bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe2\x82", "\xc3("}) {
    std::string_view text = bad;
    EXPECT_EQ(take_code_point(text), std::nullopt);
    EXPECT_EQ(text, bad);
  }
}

TEST(Utf8, KnowsControlCharacters) {
  for (const char32_t point : {U'\0', U'\n', U'\x1f', U'\x7f', U'\x80', U'\x9f'})
    EXPECT_TRUE(is_control(point));
  for (const char32_t point : {U' ', U'~', U'\xa0', U'\u202e'}) EXPECT_FALSE(is_control(point));
}

}  // namespace
}  // namespace bulkhead

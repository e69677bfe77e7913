#include "oci/quote.h"

#include <gtest/gtest.h>

namespace bulkhead::oci {
namespace {

TEST(Quote, ShowsPrintableTextAsItIs) { EXPECT_EQ(quote("library/debian ~!"), "\"library/debian ~!\""); }

TEST(Quote, EscapesWhatCouldBreakOutOfTheLine) {
  EXPECT_EQ(quote("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(quote("\n\x1b[31m\x7f"), R"("\x0a\x1b[31m\x7f")");
  EXPECT_EQ(quote(std::string_view("\0\xc3\xa9", 3)), R"("\x00\xc3\xa9")");
}

TEST(Quote, CutsLongText) {
  EXPECT_EQ(quote(std::string(80, 'x')), '"' + std::string(80, 'x') + '"');
  EXPECT_EQ(quote(std::string(81, 'x')), '"' + std::string(80, 'x') + "...\"");
}

}  // namespace
}  // namespace bulkhead::oci

#include "base/percent.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

TEST(PercentEncode, LeavesTheUnreservedAsTheyAreAndEncodesEveryOtherByte) {
  EXPECT_EQ(percent_encode("azAZ09-._~"), "azAZ09-._~");
  EXPECT_EQ(percent_encode("a/b c+d%"), "a%2Fb%20c%2Bd%25");
  EXPECT_EQ(percent_encode(std::string_view("\0\x7f\xc3\xa9", 4)), "%00%7F%C3%A9");
  EXPECT_EQ(percent_encode(""), "");
}

}  // namespace
}  // namespace bulkhead

#include "audit/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace bulkhead::audit {
namespace {

// RFC 3720, appendix B.4.
TEST(Crc32c, GivesThePublishedValues) {
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending.push_back(static_cast<char>(i));
  for (auto* function : {&crc32c, &crc32c_portable}) {
    EXPECT_EQ(function(0, as_bytes("123456789")), 0xe3069283u);
    EXPECT_EQ(function(0, as_bytes(std::string(32, '\0'))), 0x8a9136aau);
    EXPECT_EQ(function(0, as_bytes(std::string(32, '\xff'))), 0x62a8ab43u);
    EXPECT_EQ(function(0, as_bytes(ascending)), 0x46dd794eu);
  }
}

TEST(Crc32c, IsTheSameWithAndWithoutTheInstructionAtEveryLengthAndAlignment) {
  std::string text;
  for (int i = 0; i < 100; ++i) text.push_back(static_cast<char>(i * 37));
  for (std::size_t begin = 0; begin < 9; ++begin)
    for (std::size_t size = 0; begin + size <= text.size(); ++size) {
      const Bytes bytes = as_bytes(text).subspan(begin, size);
      EXPECT_EQ(crc32c(7, bytes), crc32c_portable(7, bytes));
    }
}

TEST(Crc32c, ContinuesWhereItStopped) {
  EXPECT_EQ(crc32c(crc32c(0, as_bytes("12345")), as_bytes("6789")), crc32c(0, as_bytes("123456789")));
}

}  // namespace
}  // namespace bulkhead::audit

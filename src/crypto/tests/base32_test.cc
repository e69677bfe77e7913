#include "crypto/base32.h"

#include <gtest/gtest.h>

namespace bulkhead::crypto {
namespace {

TEST(Base32, EncodesTheVectorsOfRfc4648WithoutTheirPadding) {
  const auto encoded = [](std::string_view text) { return to_base32(as_bytes(text)); };
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "MY");
  EXPECT_EQ(encoded("fo"), "MZXQ");
  EXPECT_EQ(encoded("foo"), "MZXW6");
  EXPECT_EQ(encoded("foob"), "MZXW6YQ");
  EXPECT_EQ(encoded("fooba"), "MZXW6YTB");
  EXPECT_EQ(encoded("foobar"), "MZXW6YTBOI");
  EXPECT_EQ(encoded("\xff\xff\xff\xff\xff"), "77777777");
}

}  // namespace
}  // namespace bulkhead::crypto

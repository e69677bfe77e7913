#include "base/bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace bulkhead {
namespace {

using namespace std::string_literals;

std::string every_byte() {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  return all;
}

TEST(Hex, WritesLowerCase) { EXPECT_EQ(to_hex(as_bytes("\x00\xab\xff"s)), "00abff"); }

TEST(Hex, ReadsBackEveryByte) { EXPECT_EQ(from_hex(to_hex(as_bytes(every_byte()))), every_byte()); }

TEST(Hex, RefusesUpperCaseOddLengthAndOtherCharacters) {
  for (const auto text : {"AB", "abc", "0g", "0x", " 0", "0\n"}) EXPECT_FALSE(from_hex(text)) << text;
  EXPECT_FALSE(from_hex("a\0"s));
}

// RFC 4648 section 10.
TEST(Base64, MatchesTheSpecificationsVectors) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    EXPECT_EQ(from_base64(encoded), plain);
  }
}

TEST(Base64, ReadsBackEveryByte) { EXPECT_EQ(from_base64(to_base64(as_bytes(every_byte()))), every_byte()); }

TEST(Base64, RefusesMissingExtraOrMisplacedPadding) {
  for (const auto text : {"Zg", "Zg=", "Zm9v=", "Zm9v====", "====", "=", "Z===", "Zg==Zg==", "Z=g="})
    EXPECT_FALSE(from_base64(text)) << text;
}

TEST(Base64, RefusesASecondSpellingOfTheSameBytes) {
  ASSERT_EQ(from_base64("Zg=="), "f");
  EXPECT_FALSE(from_base64("Zh=="));
  ASSERT_EQ(from_base64("Zm8="), "fo");
  EXPECT_FALSE(from_base64("Zm9="));
}

TEST(Base64, RefusesTheOtherAlphabetAndSpaces) {
  for (const auto text : {"-_==", "Zm9v\n", " Zm9v", "Zm 9"}) EXPECT_FALSE(from_base64(text)) << text;
}

TEST(Base64Url, WritesNoPaddingAndTheUrlAlphabet) {
  EXPECT_EQ(to_base64url(as_bytes("\xfb\xff\xfe"s)), "-__-");
  EXPECT_EQ(to_base64url(as_bytes("f")), "Zg");
}

TEST(Base64Url, ReadsBackEveryByte) {
  EXPECT_EQ(from_base64url(to_base64url(as_bytes(every_byte()))), every_byte());
}

TEST(Base64Url, RefusesPaddingOtherAlphabetLeftOverBitsAndImpossibleLengths) {
  for (const auto text : {"Zg==", "+/+/", "Zh", "Z", "Zm9vZ"}) EXPECT_FALSE(from_base64url(text)) << text;
}

}  // namespace
}  // namespace bulkhead

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <array>
#include <chrono>
#include <string>

#include "crypto/common_passwords.h"
#include "crypto/password.h"

namespace bulkhead::crypto {
namespace {

using testing::HasSubstr;

Result<void> check(std::string password) { return check_password_rules(Secret<>(std::move(password))); }

void expect_refused(const std::string& password, std::string_view why) {
  const auto result = check(password);
  ASSERT_FALSE(result) << password.substr(0, 200);
  EXPECT_EQ(result.error().code, Errc::invalid_argument);
  EXPECT_THAT(result.error().message, HasSubstr(why)) << password.substr(0, 200);
  EXPECT_THAT(result.error().message, HasSubstr("15 characters or more are advised"));
}

std::string repeated(std::string_view unit, std::size_t times) {
  std::string text;
  while (times-- > 0) text += unit;
  return text;
}

// No pattern in it, of any length up to 1,000 characters.
std::string unguessable(std::size_t length) {
  std::string text;
  for (unsigned state = 12345; text.size() < length;) {
    state = state * 1103515245u + 12345u;
    text.push_back(static_cast<char>('a' + (state >> 16) % 26));
  }
  return text;
}

TEST(PasswordRules, LengthIsFrom8To128) {
  expect_refused("", "has 0 characters, and must have at least 8");
  expect_refused(unguessable(7), "has 7 characters, and must have at least 8");
  EXPECT_TRUE(check(unguessable(8)));
  EXPECT_TRUE(check(unguessable(128)));
  expect_refused(unguessable(129), "longer than 128 characters");
}

TEST(PasswordRules, LengthCountsCharactersAndNotBytes) {
  expect_refused(
      "gr\xc3\xbc\xc3\x9f"
      "e!",
      "has 6 characters");
  EXPECT_TRUE(
      check("gr\xc3\xbc\xc3\x9f"
            "e an"));
  // Different characters of four bytes each: 128 fit, 129 do not.
  std::string wide;
  for (std::size_t i = 0; i < 128; ++i) {
    wide += "\xf0\x9f";
    wide.push_back(static_cast<char>(0x80 + i * 37 % 64));
    wide.push_back(static_cast<char>(0x80 + i * 11 % 64));
  }
  ASSERT_EQ(wide.size(), 512u);
  EXPECT_TRUE(check(wide));
  expect_refused(wide + "x", "longer than 128 characters");
}

TEST(PasswordRules, MegabytesAreRefusedWithoutReadingThem) {
  const Secret<> huge(std::string(4 << 20, 'x'));
  EXPECT_THAT(check_password_rules(huge).error().message, HasSubstr("longer than 128 characters"));
  const auto processor_time = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  const auto start = processor_time();
  for (int i = 0; i < 500; ++i) EXPECT_FALSE(check_password_rules(huge));
  EXPECT_LT(processor_time() - start, std::chrono::milliseconds(500));
}

TEST(PasswordRules, RefusesWhatIsNotUtf8) {
  for (const char* bad :
       {"\x80", "\xc3", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\xaf",
        "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
        "\xe2\x82", "\xe2\x28\xa1", "\xf0\x9f\x98"}) {
    expect_refused("kestrelv" + std::string(bad), "not valid UTF-8");
    expect_refused(std::string(bad) + "kestrelv", "not valid UTF-8");
  }
  for (const char* good : {"\xc2\xa0", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbd", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(check("kestrelv" + std::string(good)));
}

TEST(PasswordRules, RefusesControlCharacters) {
  for (const std::string& control :
       {std::string(1, '\0'), std::string("\t"), std::string("\n"), std::string("\r"), std::string("\x1b"),
        std::string("\x1f"), std::string("\x7f"), std::string("\xc2\x80"), std::string("\xc2\x9f")}) {
    expect_refused("kestrel" + control + "vole", "control character");
    expect_refused("kestrelvole" + control, "control character");
  }
  EXPECT_TRUE(check("kestrel vole"));
}

TEST(PasswordRules, RefusesTheBestKnownPasswords) {
  for (const char* common :
       {"password", "PASSWORD", "PassWord", "iloveyou", "trustno1", "baseball", "football", "superman",
        "princess", "sunshine", "michelle", "jennifer", "changeme", "administrator", "letmein123",
        "harbor12345", "zaq12wsx", "correcthorsebatterystaple"})
    expect_refused(common, "guessed first");
}

TEST(PasswordRules, RefusesTheirUsualVariations) {
  for (const char* varied :
       {"P@ssw0rd",         "Passw0rd!",   "p4$$w0rd",     "password1",        "password123", "Password123!",
        "password12345678", "123password", "123Password!", "welcome2024!",     "Welcome1!",   "letmein!!",
        "adm1n1strator",    "!!monkey!!",  "dragon2023",   "passwordpassword", "adminadmin",  "AdminAdmin1",
        "1l0vey0u",         "summer2025",  "docker123"})
    expect_refused(varied, "guessed first");
}

TEST(PasswordRules, RefusesPatterns) {
  for (const char* pattern : {"aaaaaaaa",   "11111111", "!!!!!!!!", "        ",   "abababab",   "abcabcab",
                              "12341234",   "12121212", "12345678", "123456789",  "1234567890", "87654321",
                              "0987654321", "34567890", "abcdefgh", "hgfedcba",   "qwertyui",   "QWERTYUI",
                              "asdfghjkl",  "poiuytre", "1q2w3e4r", "1qaz2wsx",   "qazwsxedc",  "zaqxswcde",
                              "qwer1234",   "1234qwer", "abcd1234", "abc123xyz",  "aaabbbccc",  "111222333",
                              "11223344",   "aabbccdd", "12344321", "qwertzuiop", "azertyuiop", "!@#$%^&*"})
    expect_refused(pattern, "guessed first");
  expect_refused(repeated("\xc3\xa9", 8), "guessed first");
  expect_refused(repeated("\xf0\x9f\x98\x80", 8), "guessed first");
  expect_refused(repeated("a", 128), "guessed first");
  expect_refused(repeated("0123456789", 12), "guessed first");
}

TEST(PasswordRules, AcceptsWhatOnlyContainsSuchPieces) {
  for (const char* fine :
       {"kestrel vole lintel", "my dragon eats plums", "passwordless-otter", "tr0ub4dor&3", "x8#kQ2!v",
        "qwerty-halibut", "monkey wrench 48213", "admin of the seven seas", "Zweiundvierzig",
        "2b|!2b=?question", "ninety9bananas?", "84735620", "dragon#8251903746"})
    EXPECT_TRUE(check(fine)) << fine;
}

TEST(PasswordRules, RefusesWhatBeginsLikeAnotherCredential) {
  constexpr std::array<std::string_view, 2> kReserved = {"key_", "ticket_"};
  for (const char* taken : {"key_kestrelvole", "ticket_kestrelvole"}) {
    const auto result = check_password_rules(Secret<>(taken), kReserved);
    ASSERT_FALSE(result) << taken;
    EXPECT_EQ(result.error().code, Errc::invalid_argument);
    EXPECT_THAT(result.error().message, HasSubstr("would be taken for one"));
    EXPECT_THAT(result.error().message, testing::Not(HasSubstr("kestrel")));
    EXPECT_TRUE(check(taken));
  }
  for (const char* fine : {"keykestrelvole", "KEY_kestrelvole", "my key_kestrelvole"})
    EXPECT_TRUE(check_password_rules(Secret<>(fine), kReserved)) << fine;
}

TEST(PasswordRules, TheMessageDoesNotRepeatThePassword) {
  for (const char* password : {"kestrel", "kestrelvole\n", "kestrelvole\xff", "letmein123"}) {
    const auto result = check(password);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, testing::Not(HasSubstr("kestrel")));
    EXPECT_THAT(result.error().message, testing::Not(HasSubstr("letmein")));
  }
}

TEST(CommonPasswords, AnEmptyTextIsCommon) { EXPECT_TRUE(is_common_password("")); }

}  // namespace
}  // namespace bulkhead::crypto

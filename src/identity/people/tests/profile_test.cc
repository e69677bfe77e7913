#include "identity/people/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/testing/database_contract.h"

namespace bulkhead::identity {
namespace {

using db::testing::FailsWith;
using db::testing::Succeeds;

std::string times(std::string_view text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

TEST(DisplayName, MayBeInAnyScript) {
  for (const char* name : {"", "Alice", "Åsa Öberg", "山田太郎", "نیلوفر می‌خواهد",
                           "O'Brien-Smith, Jr.", "👩‍🔧 Ops"})
    EXPECT_EQ(parse_display_name(name).value(), name);
}

TEST(DisplayName, HasAtMost128Characters) {
  EXPECT_THAT(parse_display_name(times("é", 128)), Succeeds());
  EXPECT_THAT(parse_display_name(times("é", 129)), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(parse_display_name(std::string(5'000'000, 'a')), FailsWith(Errc::invalid_argument));
}

TEST(DisplayName, HasNothingThatFoolsTheReader) {
  for (const std::string& name : {std::string("a\nb"),
                                  std::string("a\tb"),
                                  std::string("\x1b[31m"),
                                  std::string("a\0b", 3),
                                  std::string("\x7f"),
                                  std::string("\xc2\x9b"),
                                  std::string("\xe2\x80\xae"
                                              "evil"),
                                  std::string("a\xe2\x81\xa6"),
                                  std::string("a\xe2\x80\x8b"),
                                  std::string("a\xe2\x80\xa8"),
                                  std::string("\xef\xbb\xbfu"),
                                  std::string("\xf3\xa0\x81\x81"),
                                  std::string("\xd8\x9c"),
                                  std::string("\xff"),
                                  std::string("\xc3"),
                                  std::string(" a"),
                                  std::string("a "),
                                  std::string(" "),
                                  std::string("a\xef\xbf\xbf"),
                                  std::string("\xc0\xaf")})
    EXPECT_THAT(parse_display_name(name), FailsWith(Errc::invalid_argument)) << testing::PrintToString(name);
}

TEST(Description, IsLongerButNoLessStrict) {
  EXPECT_THAT(parse_description(std::string(256, 'a')), Succeeds());
  EXPECT_THAT(parse_description(std::string(257, 'a')), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(parse_description("a\nb"), FailsWith(Errc::invalid_argument));
}

TEST(Email, IsALocalPartAtAHost) {
  for (const char* email :
       {"", "alice@example.com", "a.b+c@example.co.uk", "o'brien@localhost", "x_y@a-b.example"})
    EXPECT_EQ(parse_email(email).value(), email);
  EXPECT_EQ(parse_email("Alice@EXAMPLE.com").value(), "Alice@example.com");
}

TEST(Email, RefusesEverythingElse) {
  for (const std::string& email : {std::string("alice"),
                                   std::string("@example.com"),
                                   std::string("alice@"),
                                   std::string("a@b@c"),
                                   std::string(".a@example.com"),
                                   std::string("a.@example.com"),
                                   std::string("a..b@example.com"),
                                   std::string("a@.example.com"),
                                   std::string("a@example..com"),
                                   std::string("a@example.com."),
                                   std::string("a@-example.com"),
                                   std::string("a@example-.com"),
                                   std::string("a b@example.com"),
                                   std::string("a@example.com\n"),
                                   std::string("a\r\nBcc: x@example.com"),
                                   std::string("a@exa\0mple.com", 14),
                                   std::string("\"a b\"@example.com"),
                                   std::string("a@[192.0.2.1]"),
                                   std::string("Alice <a@example.com>"),
                                   std::string("\xd0\xb0lice@example.com"),
                                   std::string("a@ex\xc3\xa4mple.com"),
                                   std::string("a@exa_mple.com"),
                                   std::string("a,b@example.com")})
    EXPECT_THAT(parse_email(email), FailsWith(Errc::invalid_argument)) << testing::PrintToString(email);
}

TEST(Email, HasAtMost254CharactersAndPartsOfTheirOwnLengths) {
  const std::string host = times(std::string(62, 'a') + ".", 3);  // 189
  EXPECT_THAT(parse_email(std::string(60, 'l') + "@" + host + "com"), Succeeds());
  EXPECT_THAT(parse_email(std::string(64, 'l') + "@" + host), FailsWith(Errc::invalid_argument))
      << "closing dot";
  EXPECT_THAT(parse_email(std::string(61, 'l') + "@" + host + "com"), Succeeds()) << "254";
  EXPECT_THAT(parse_email(std::string(62, 'l') + "@" + host + "com"), FailsWith(Errc::invalid_argument))
      << "255";
  EXPECT_THAT(parse_email(std::string(65, 'l') + "@example.com"), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(parse_email("a@" + std::string(64, 'h') + ".com"), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(parse_email(std::string(5'000'000, 'a')), FailsWith(Errc::invalid_argument));
}

TEST(Email, IsThePersonsInAnyCase) {
  EXPECT_TRUE(same_email("Alice@example.com", "alice@EXAMPLE.com"));
  EXPECT_FALSE(same_email("alice@example.com", "alice@example.co"));
  EXPECT_FALSE(same_email("alice@example.com", "alicf@example.com"));
}

}  // namespace
}  // namespace bulkhead::identity

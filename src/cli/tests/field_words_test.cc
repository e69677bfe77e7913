#include "cli/field_words.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace bulkhead::cli {
namespace {

std::string words(const char* parts) { return in_flags(boost::json::parse(parts).as_array()); }

TEST(FieldWords, NameTheFlagThatWasTyped) {
  EXPECT_EQ(words(R"([{"pointer":"/member_role","detail":"must be one of none, reader"}])"),
            "--member-role must be one of none, reader");
  EXPECT_EQ(words(R"([{"pointer":"/scopes/0/actions/0","detail":"must be one of pull, push"}])"),
            "--scope must be one of pull, push");
  EXPECT_EQ(words(R"([{"pointer":"/ldap/user_filter","detail":"is empty"}])"), "--user-filter is empty");
  EXPECT_EQ(words(R"([{"pointer":"/name","detail":"is too long"},{"pointer":"/email","detail":"is none"}])"),
            "the name is too long; the e-mail address is none");
}

TEST(FieldWords, SayDurationsAsTheyAreTyped) {
  EXPECT_EQ(words(R"([{"pointer":"/overlap_seconds","detail":"must be between 0 and 3600"}])"),
            "--overlap must be between 0s and 1h");
}

TEST(FieldWords, LeaveAloneWhatNamesNoField) {
  EXPECT_EQ(words(R"([{"parameter":"limit","detail":"is no number"}])"), "");
  EXPECT_EQ(words(R"([{"pointer":"","detail":"must be an object"}])"), "");
  EXPECT_EQ(words("[]"), "");
}

}  // namespace
}  // namespace bulkhead::cli

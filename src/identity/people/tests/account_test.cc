#include "identity/people/account.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/testing/database_contract.h"

namespace bulkhead::identity {
namespace {

using db::testing::FailsWith;
using db::testing::Succeeds;

TEST(AccountName, IsOneComponentOfARepositoryName) {
  for (const char* name : {"al", "alice", "team-7", "a.b", "a_b", "a__b", "7up", "a---b"})
    EXPECT_THAT(parse_account_name(name), Succeeds()) << name;
  for (const char* name : {"Alice", "a/b", "-a", "a-", "a..b", "a b", "a:b", "al\xc3\xa9", "a\nb"})
    EXPECT_THAT(parse_account_name(name), FailsWith(Errc::name_invalid)) << name;
}

TEST(AccountName, HasTwoTo64Characters) {
  EXPECT_THAT(parse_account_name(""), FailsWith(Errc::name_invalid));
  EXPECT_THAT(parse_account_name("a"), FailsWith(Errc::name_invalid));
  EXPECT_THAT(parse_account_name(std::string(64, 'a')), Succeeds());
  EXPECT_THAT(parse_account_name(std::string(65, 'a')), FailsWith(Errc::name_invalid));
}

TEST(AccountName, LeavesTheServersOwnPathsFree) {
  for (const char* name : {"library", "v2", "api", "token", "healthz", "readyz", "metrics", "anonymous"})
    EXPECT_THAT(parse_account_name(name), FailsWith(Errc::name_invalid)) << name;
  EXPECT_THAT(parse_account_name("admin"), Succeeds());
}

TEST(AccountName, HasNoTwinInAnotherCaseOrOfLettersThatLookAlike) {
  for (const char* name : {"aLice", "ALICE", "\xd0\xb0lice",
                           "al\xc4\xb1"
                           "ce",
                           "\xef\xbd\x81lice", "alice\xe2\x80\x8b", "a\xcc\x81lice",
                           "\xe2\x84\xaa"
                           "elvin"})
    EXPECT_THAT(parse_account_name(name), FailsWith(Errc::name_invalid)) << name;
}

TEST(AccountName, CannotBeARobots) {
  EXPECT_THAT(parse_account_name("acme+ci"), FailsWith(Errc::name_invalid));
  EXPECT_THAT(parse_account_name("library+ci"), FailsWith(Errc::name_invalid));
}

TEST(AccountName, IsLookedUpOnlyWhenItCanBeAnybodys) {
  for (const char* name : {"alice", "acme+ci", "library+ci", "a.b+c-d"})
    EXPECT_TRUE(is_account_name(name)) << name;
  for (const std::string& name : {std::string(), std::string("+"), std::string("acme+"), std::string("+ci"),
                                  std::string("a+b+c"), std::string("a/b"), std::string("Acme+ci"),
                                  std::string("a\0b", 3), std::string("\xff"), std::string(65, 'a')})
    EXPECT_FALSE(is_account_name(name)) << name;
}

TEST(AccountWords, AreReadBack) {
  for (const auto kind : {AccountKind::person, AccountKind::robot})
    EXPECT_EQ(parse_account_kind(name(kind)).value(), kind);
  for (const auto state : {AccountState::active, AccountState::disabled, AccountState::locked})
    EXPECT_EQ(parse_account_state(name(state)).value(), state);
  for (const auto role :
       {SystemRole::none, SystemRole::auditor, SystemRole::security_officer, SystemRole::administrator})
    EXPECT_EQ(parse_system_role(name(role)).value(), role);
  EXPECT_EQ(name(SystemRole::security_officer), "security_officer");
}

TEST(AccountWords, RefuseWhatTheyAreNot) {
  EXPECT_THAT(parse_account_kind("machine"), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(parse_account_state("Active"), FailsWith(Errc::invalid_argument));
  const auto role = parse_system_role("root");
  ASSERT_THAT(role, FailsWith(Errc::invalid_argument));
  EXPECT_NE(role.error().message.find("none, auditor, security_officer and administrator"),
            std::string::npos);
}

}  // namespace
}  // namespace bulkhead::identity

#include "identity/account.h"

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

}  // namespace
}  // namespace bulkhead::identity

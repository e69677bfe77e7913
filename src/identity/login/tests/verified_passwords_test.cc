#include "identity/login/verified_passwords.h"

#include <gtest/gtest.h>

#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;

class VerifiedPasswordsTest : public ::testing::Test {
 protected:
  static Secret<> secret(std::string_view text) { return Secret<>(std::string(text)); }

  testing::ManualClock clock_;
  VerifiedPasswords passwords_{clock_, 30s, 3};
};

TEST_F(VerifiedPasswordsTest, KnowsAPasswordForItsTimeAndNotLonger) {
  passwords_.put("alice", secret("right"), {7, 2, 1});
  const auto found = passwords_.find("alice", secret("right"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->account_id, 7);
  EXPECT_EQ(found->credential_version, 2);
  EXPECT_FALSE(passwords_.find("alice", secret("wrong")).has_value());
  EXPECT_FALSE(passwords_.find("bob", secret("right")).has_value());
  clock_.advance(29s);
  EXPECT_TRUE(passwords_.find("alice", secret("right")).has_value());
  clock_.advance(1s);
  EXPECT_FALSE(passwords_.find("alice", secret("right")).has_value()) << "finding it does not prolong it";
}

TEST_F(VerifiedPasswordsTest, AClockThatIsSetBackProlongsNothing) {
  passwords_.put("alice", secret("right"), {7, 2, 1});
  clock_.advance(-1s);
  EXPECT_FALSE(passwords_.find("alice", secret("right")).has_value());
}

TEST_F(VerifiedPasswordsTest, KeepsOnePasswordOfAnAccountAndForgetsIt) {
  passwords_.put("alice", secret("first"), {7, 1, 1});
  passwords_.put("alice", secret("second"), {7, 2, 1});
  EXPECT_FALSE(passwords_.find("alice", secret("first")).has_value());
  EXPECT_TRUE(passwords_.find("alice", secret("second")).has_value());
  passwords_.forget("alice");
  passwords_.forget("nobody");
  EXPECT_FALSE(passwords_.find("alice", secret("second")).has_value());
}

TEST_F(VerifiedPasswordsTest, IsBounded) {
  for (const char* name : {"a", "b", "c", "d"}) passwords_.put(name, secret("right"), {1, 1, 1});
  EXPECT_FALSE(passwords_.find("a", secret("right")).has_value());
  for (const char* name : {"b", "c", "d"}) EXPECT_TRUE(passwords_.find(name, secret("right")).has_value());
  const std::string long_one(VerifiedPasswords::kLongest + 1, 'x');
  passwords_.put("long", secret(long_one), {1, 1, 1});
  EXPECT_FALSE(passwords_.find("long", secret(long_one)).has_value());
}

TEST_F(VerifiedPasswordsTest, KeepsNothingWhereItMustNot) {
  VerifiedPasswords none(clock_, 0s, 3);
  none.put("alice", secret("right"), {7, 2, 1});
  EXPECT_FALSE(none.find("alice", secret("right")).has_value());
}

}  // namespace
}  // namespace bulkhead::identity

#include "identity/login/token_uses.h"

#include "identity/login/testing/tokens_fixture.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using testing::Engine;
using testing::FailsWith;
using testing::Succeeds;

class TokenUsesTest : public testing::TokensFixture {
 protected:
  Time now() { return installation_.clock.now(); }
};

TEST_P(TokenUsesTest, AreRememberedForSoManyTokensUntilWritten) {
  TokenUses uses(database_, 2);
  for (const std::int64_t id : {1, 2, 3}) uses.note(id, now(), "192.0.2.1", "client");
  EXPECT_TRUE(uses.find(1).has_value());
  EXPECT_TRUE(uses.find(2).has_value());
  EXPECT_FALSE(uses.find(3).has_value());
  installation_.clock.advance(1min);
  ASSERT_THAT(uses.flush(now()), Succeeds());
  uses.note(3, now(), "192.0.2.1", "client");
  EXPECT_TRUE(uses.find(3).has_value());
}

TEST_P(TokenUsesTest, AreNotedWhenTheClockIsSetBack) {
  TokenUses uses(database_, 10);
  uses.note(1, now(), "192.0.2.1", "client");
  uses.note(1, now() - 1h, "192.0.2.2", "client");
  EXPECT_EQ(uses.find(1)->address, "192.0.2.2");
}

TEST_P(TokenUsesTest, OfManyTokensAreWrittenInFewTransactions) {
  TokenUses uses(database_, 10'000);
  for (std::int64_t id = 1; id <= 1'001; ++id) uses.note(id, now(), "192.0.2.1", "client");
  const int writes = database_.writes;
  ASSERT_THAT(uses.flush(now()), Succeeds());
  EXPECT_EQ(database_.writes - writes, 3);
  ASSERT_THAT(uses.flush(now()), Succeeds());
  EXPECT_EQ(database_.writes - writes, 3) << "nothing new";
}

TEST_P(TokenUsesTest, ThatCannotBeWrittenStayNoted) {
  class Failing final : public db::Database {
   public:
    Result<void> read(const Work&) override { return Error{Errc::unavailable, "away"}; }
    Result<void> write(const Work&) override { return Error{Errc::unavailable, "away"}; }
    Result<void> ping() override { return {}; }
    std::string_view engine() const override { return "none"; }
  } failing;
  TokenUses uses(failing, 10);
  uses.note(1, now(), "192.0.2.1", "client");
  EXPECT_THAT(uses.flush(now() + 1h), FailsWith(Errc::unavailable));
  EXPECT_TRUE(uses.find(1).has_value());
}

INSTANTIATE_TEST_SUITE_P(Engines, TokenUsesTest, ::testing::Values(Engine::sqlite), db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

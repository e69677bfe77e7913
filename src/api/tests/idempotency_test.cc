#include "api/management/idempotency.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "db/testing/database_contract.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::api::management {
namespace {

using State = IdempotencyKeys::State;

class Keys : public testing::TestWithParam<db::testing::Engine> {
 protected:
  State claim(std::string_view key, std::string_view request, std::int64_t account = 0) {
    const auto claimed = keys_.claim(account == 0 ? alice_ : account, key, request);
    EXPECT_TRUE(claimed) << claimed.error().message;
    resource_ = claimed->resource;
    return claimed->state;
  }

  identity::testing::Installation installation_{GetParam()};
  std::int64_t alice_ = installation_.add_account("alice").id;
  std::int64_t bob_ = installation_.add_account("bob").id;
  IdempotencyKeys keys_{*installation_.database, installation_.keyring, installation_.clock};
  std::string resource_;
};

TEST_P(Keys, AreClaimedOnce) {
  EXPECT_EQ(claim("k", "POST a"), State::claimed);
  EXPECT_EQ(claim("k", "POST a"), State::under_way);
  ASSERT_TRUE(keys_.complete(alice_, "k", "/users/x"));
  EXPECT_EQ(claim("k", "POST a"), State::made);
  EXPECT_EQ(resource_, "/users/x");
}

TEST_P(Keys, BelongToOneRequestOfOneAccount) {
  EXPECT_EQ(claim("k", "POST a"), State::claimed);
  EXPECT_EQ(claim("k", "POST b"), State::other_request);
  EXPECT_EQ(claim("k", "POST b", bob_), State::claimed);
  EXPECT_EQ(claim("K", "POST b"), State::claimed);
}

TEST_P(Keys, AreFreeAgainWhenNothingWasMade) {
  EXPECT_EQ(claim("k", "POST a"), State::claimed);
  ASSERT_TRUE(keys_.abandon(alice_, "k"));
  EXPECT_EQ(claim("k", "POST b"), State::claimed);
  ASSERT_TRUE(keys_.complete(alice_, "k", "/users/x"));
  ASSERT_TRUE(keys_.abandon(alice_, "k"));
  EXPECT_EQ(claim("k", "POST b"), State::made);
}

TEST_P(Keys, AreForgottenAfterADay) {
  EXPECT_EQ(claim("k", "POST a"), State::claimed);
  ASSERT_TRUE(keys_.complete(alice_, "k", "/users/x"));
  installation_.clock.advance(IdempotencyKeys::kLifetime);
  EXPECT_EQ(claim("k", "POST a"), State::made);
  installation_.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(claim("k", "POST a"), State::claimed);
}

TEST_P(Keys, LetOneOfManyWin) {
  std::atomic<int> won = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        const auto claimed = keys_.claim(alice_, "k", "POST a");
        if (claimed && claimed->state == State::claimed) ++won;
      });
  }
  EXPECT_EQ(won, 1);
}

TEST_P(Keys, KeepNothingThatAGuessCouldBeHeldAgainst) {
  EXPECT_EQ(claim("k", "POST /users hunter2"), State::claimed);
  const auto keyring = crypto::Keyring::ephemeral();
  IdempotencyKeys thief(*installation_.database, keyring, installation_.clock);
  const auto guessed = thief.claim(alice_, "k", "POST /users hunter2");
  ASSERT_TRUE(guessed);
  EXPECT_EQ(guessed->state, State::other_request);
}

INSTANTIATE_TEST_SUITE_P(Engines, Keys,
                         testing::Values(db::testing::Engine::sqlite, db::testing::Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::api::management

#include "identity/login/setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "db/testing/database_contract.h"
#include "identity/people/testing/installation.h"
#include "identity/secrets/token_format.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::Installation;

class SetupTest : public ::testing::TestWithParam<Engine> {
 protected:
  Secret<> issue() { return std::move(*setup_.issue().value()); }
  Result<Account> redeem(const Secret<>& token, std::string_view name = "alice",
                         std::string_view password = "correct horse battery") {
    return setup_.redeem(token, name, Secret<>(std::string(password)), testing::some_origin());
  }

  Installation installation_{GetParam()};
  identity::Setup setup_{*installation_.database, installation_.keyring, installation_.accounts,
                         installation_.clock};
};

TEST_P(SetupTest, TheTokenMakesTheFirstAdministratorOnce) {
  const auto token = issue();
  EXPECT_TRUE(token.reveal().starts_with("bhsetup_"));
  const auto account = redeem(token);
  ASSERT_THAT(account, Succeeds());
  EXPECT_TRUE(account->administrator());
  EXPECT_TRUE(installation_.accounts.find("alice")->administrator());
  EXPECT_THAT(redeem(token, "bob"), FailsWith(Errc::unauthenticated));
  EXPECT_TRUE(installation_.read("SELECT id FROM setup_token").empty());

  const auto events = installation_.events();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].action, "setup_token_created");
  EXPECT_EQ(events[1].action, "setup_token_used");
  EXPECT_EQ(events[1].credential, "setup-token");
  EXPECT_EQ(events[2].action, "account_created");
  EXPECT_EQ(events[2].credential, "setup-token");
}

TEST_P(SetupTest, TheDatabaseHoldsNothingThatRedeems) {
  const auto token = issue();
  const auto rows = installation_.read("SELECT hash FROM setup_token");
  ASSERT_EQ(rows.size(), 1u);
  const std::string stored = rows[0].text(0);
  EXPECT_EQ(stored.find(token.reveal().substr(8, 30)), std::string::npos);
  EXPECT_THAT(redeem(Secret<>(std::string(stored))), FailsWith(Errc::unauthenticated));

  // With other keys, the same database and the same token are worth nothing.
  const auto other_keys = crypto::Keyring::ephemeral();
  identity::Setup thief(*installation_.database, other_keys, installation_.accounts, installation_.clock);
  EXPECT_THAT(
      thief.redeem(token, "mallory", Secret<>(std::string("correct horse battery")), testing::some_origin()),
      FailsWith(Errc::unauthenticated));
  EXPECT_THAT(redeem(token), Succeeds());
}

TEST_P(SetupTest, RefusesWrongExpiredAndReplacedTokensAlike) {
  const auto replaced = issue();
  const auto token = issue();
  std::string mistyped(token.reveal());
  mistyped.back() = mistyped.back() == 'x' ? 'y' : 'x';
  const auto wrong = redeem(make_token("bhsetup_"));
  EXPECT_THAT(wrong, FailsWith(Errc::unauthenticated));
  EXPECT_EQ(redeem(replaced).error(), wrong.error());
  EXPECT_EQ(redeem(Secret<>(std::move(mistyped))).error(), wrong.error());
  EXPECT_EQ(redeem(Secret<>(std::string())).error(), wrong.error());
  installation_.clock.advance(1h);
  EXPECT_EQ(redeem(token).error(), wrong.error());
  EXPECT_FALSE(installation_.accounts.any().value());
}

TEST_P(SetupTest, HoldsForAnHour) {
  const auto token = issue();
  installation_.clock.advance(1h - 1us);
  EXPECT_THAT(redeem(token), Succeeds());
}

TEST_P(SetupTest, ABadNameOrPasswordDoesNotBurnIt) {
  const auto token = issue();
  EXPECT_THAT(redeem(token, "library"), FailsWith(Errc::name_invalid));
  EXPECT_THAT(redeem(token, "alice", "short"), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(redeem(token), Succeeds());
}

TEST_P(SetupTest, IsOverOnceAnAccountExists) {
  const auto token = issue();
  installation_.add_account("operator-made", true);
  EXPECT_THAT(redeem(token), FailsWith(Errc::unauthenticated));
  const auto another = setup_.issue();
  ASSERT_THAT(another, Succeeds());
  EXPECT_FALSE(another->has_value());
  EXPECT_TRUE(installation_.read("SELECT id FROM setup_token").empty());
}

TEST_P(SetupTest, OneOfTwoThatRedeemAtOnceWins) {
  const auto token = issue();
  std::atomic<int> succeeded{0};
  std::thread first([&] { succeeded += redeem(token, "alice").has_value(); });
  std::thread second([&] { succeeded += redeem(token, "bob").has_value(); });
  first.join();
  second.join();
  EXPECT_EQ(succeeded, 1);
  EXPECT_EQ(installation_.accounts.list()->size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Engines, SetupTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

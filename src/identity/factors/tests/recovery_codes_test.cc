#include "identity/factors/recovery_codes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "db/testing/database_contract.h"
#include "identity/login/testing/second_factors.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::some_origin;

class RecoveryCodesTest : public ::testing::TestWithParam<Engine> {
 protected:
  RecoveryCodesTest() { all_.enrol_totp(alice_); }

  std::vector<Secret<>> generate(const Account& account) {
    auto codes = all_.recovery_codes.regenerate(account, some_origin());
    if (!codes) throw std::runtime_error(codes.error().message);
    return *std::move(codes);
  }
  Result<void> use(const Account& account, std::string code) {
    return all_.recovery_codes.use(account, Secret<>(std::move(code)), some_origin(), {"home"});
  }

  testing::SecondFactors all_{GetParam()};
  Account alice_ = all_.add_account("alice");
};

TEST_P(RecoveryCodesTest, AreTenOf80BitsEachGoodOnce) {
  const auto codes = generate(alice_);
  EXPECT_EQ(all_.last_event().action, "recovery_codes_created");
  std::set<std::string> different;
  for (const auto& code : codes) {
    EXPECT_THAT(code.reveal(), ::testing::MatchesRegex("[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}"));
    different.insert(code.reveal());
  }
  EXPECT_EQ(different.size(), 10u);
  EXPECT_EQ(all_.mfa.factors(alice_.id)->recovery_codes, 10);

  std::int64_t left = 10;
  for (const auto& code : codes) {
    EXPECT_THAT(use(alice_, code.reveal()), Succeeds());
    EXPECT_EQ(all_.last_event().action, "recovery_code_used");
    EXPECT_EQ(all_.last_event().detail, std::to_string(--left));
    EXPECT_EQ(all_.mfa.factors(alice_.id)->recovery_codes, left);
    EXPECT_THAT(use(alice_, code.reveal()), FailsWith(Errc::unauthenticated));
  }
}

TEST_P(RecoveryCodesTest, TheDatabaseHoldsNothingThatIsOne) {
  const auto codes = generate(alice_);
  for (const db::Row& row : all_.read("SELECT hash FROM recovery_codes")) {
    EXPECT_THAT(row.text(0), ::testing::MatchesRegex("v1:[0-9a-f]{64}"));
    EXPECT_THAT(use(alice_, row.text(0)), FailsWith(Errc::unauthenticated));
    all_.clock.advance(1h);
  }
  const auto other_keys = crypto::Keyring::ephemeral();
  RecoveryCodes thief(*all_.database, other_keys, all_.limiter, all_.clock);
  EXPECT_THAT(thief.use(alice_, Secret<>(std::string(codes[0].reveal())), some_origin(), {"home"}),
              FailsWith(Errc::unauthenticated));
}

TEST_P(RecoveryCodesTest, AreTheirAccountsOwn) {
  const Account bob = all_.add_account("bob");
  all_.enrol_totp(bob);
  const auto codes = generate(alice_);
  EXPECT_THAT(use(bob, codes[0].reveal()), FailsWith(Errc::unauthenticated));
  // Moving the row to another account does not help: the hash is of the account too.
  all_.write("UPDATE recovery_codes SET account_id = ?", {bob.id});
  EXPECT_THAT(use(bob, codes[0].reveal()), FailsWith(Errc::unauthenticated));
}

TEST_P(RecoveryCodesTest, NewOnesEndTheOld) {
  const auto old = generate(alice_);
  const auto codes = generate(alice_);
  EXPECT_THAT(use(alice_, old[0].reveal()), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(alice_, codes[0].reveal()), Succeeds());
  EXPECT_EQ(all_.read("SELECT hash FROM recovery_codes").size(), 10u);
}

TEST_P(RecoveryCodesTest, AreReadAsPeopleTypeThem) {
  const auto codes = generate(alice_);
  std::string lower = codes[0].reveal();
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' ? c - 'A' + 'a' : c; });
  EXPECT_THAT(use(alice_, lower), Succeeds());
  std::string bare = codes[1].reveal();
  std::erase(bare, '-');
  EXPECT_THAT(use(alice_, " " + bare + " "), Succeeds());
  std::string mistaken = codes[2].reveal();
  std::replace(mistaken.begin(), mistaken.end(), 'O', '0');
  std::replace(mistaken.begin(), mistaken.end(), 'I', '1');
  std::replace(mistaken.begin(), mistaken.end(), 'B', '8');
  EXPECT_THAT(use(alice_, mistaken), Succeeds());
}

TEST_P(RecoveryCodesTest, RefuseWhatIsNone) {
  generate(alice_);
  for (const char* code : {"", "AAAA", "AAAA-AAAA-AAAA-AAAA", "AAAA-AAAA-AAAA-AAAAA"}) {
    EXPECT_THAT(use(alice_, code), FailsWith(Errc::unauthenticated)) << code;
  }
  EXPECT_THAT(use(alice_, std::string(1'000'000, 'A')), FailsWith(Errc::unauthenticated));
}

TEST_P(RecoveryCodesTest, AreLimitedApartFromTheAppsCodes) {
  const auto codes = generate(alice_);
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(all_.totp.verify(alice_, Secret<>(std::string("wrong")), {"home"}),
                FailsWith(Errc::unauthenticated));
  EXPECT_THAT(all_.totp.verify(alice_, Secret<>(std::string("wrong")), {"home"}),
              FailsWith(Errc::rate_limited));
  EXPECT_THAT(use(alice_, codes[0].reveal()), Succeeds());
  for (int i = 0; i < 5; ++i) EXPECT_THAT(use(alice_, "wrong"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(alice_, codes[1].reveal()), FailsWith(Errc::rate_limited));
}

TEST_P(RecoveryCodesTest, OneOfManyThatComeWithACodeAtOnceGetsIn) {
  const auto codes = generate(alice_);
  CodeLimiter unlimited(all_.clock,
                        {.per_source = 1000, .window = 1h, .in_all = 0, .per_network = 0, .remembered = 10});
  RecoveryCodes service(*all_.database, all_.keyring, unlimited, all_.clock);
  std::atomic<int> succeeded{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      succeeded +=
          service.use(alice_, Secret<>(std::string(codes[0].reveal())), some_origin(), {"home"}).has_value()
              ? 1
              : 0;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(succeeded, 1);
}

TEST_P(RecoveryCodesTest, NeedASecondFactorToStandInFor) {
  const Account bob = all_.add_account("bob");
  EXPECT_THAT(all_.recovery_codes.regenerate(bob, some_origin()), FailsWith(Errc::conflict));
  ASSERT_THAT(all_.totp.begin(bob, some_origin()), Succeeds());
  EXPECT_THAT(all_.recovery_codes.regenerate(bob, some_origin()), FailsWith(Errc::conflict))
      << "one that is not confirmed is none";
}

INSTANTIATE_TEST_SUITE_P(Engines, RecoveryCodesTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

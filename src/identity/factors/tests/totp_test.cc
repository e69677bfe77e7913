#include "identity/factors/totp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "crypto/otp.h"
#include "db/testing/database_contract.h"
#include "identity/login/testing/second_factors.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::code_of;
using testing::some_origin;

class TotpTest : public ::testing::TestWithParam<Engine> {
 protected:
  Secret<> code(std::string_view seed, int steps = 0) const { return code_of(seed, all_.clock.now(), steps); }
  Result<void> verify(std::string_view seed, int steps = 0) {
    return all_.totp.verify(alice_, code(seed, steps), {"home"});
  }

  testing::SecondFactors all_{GetParam()};
  Account alice_ = all_.add_account("alice");
};

TEST_P(TotpTest, EnrolsWithASeedThatAnAppTakesFromTheUri) {
  const auto enrolment = all_.totp.begin(alice_, some_origin());
  ASSERT_THAT(enrolment, Succeeds());
  EXPECT_EQ(testing::seed_bytes(*enrolment).size(), 20u);
  EXPECT_EQ(enrolment->uri.reveal(),
            "otpauth://totp/Registry%20of%20Tests:alice?secret=" + enrolment->seed.reveal() +
                "&issuer=Registry%20of%20Tests&algorithm=SHA1&digits=6&period=30");
  EXPECT_FALSE(all_.mfa.enrolled(alice_.id).value()) << "until it is confirmed";
  const std::string seed = testing::seed_bytes(*enrolment);
  ASSERT_THAT(all_.totp.confirm(alice_, code(seed), some_origin()), Succeeds());
  EXPECT_TRUE(all_.mfa.enrolled(alice_.id).value());
  EXPECT_EQ(all_.last_event().action, "totp_enrolled");
  EXPECT_EQ(all_.last_event().target, "alice");
}

TEST_P(TotpTest, KeepsTheSeedSealedAndBoundToItsAccount) {
  const std::string seed = all_.enrol_totp(alice_);
  const std::string stored = all_.read("SELECT sealed FROM totp").at(0).text(0);
  EXPECT_EQ(stored.find(seed), std::string::npos);
  EXPECT_EQ(stored.find(to_hex(as_bytes(seed))), std::string::npos);

  // A thief who can write moves his own seed into alice's row.
  const Account mallory = all_.add_account("mallory");
  const std::string known = all_.enrol_totp(mallory);
  all_.write("UPDATE totp SET sealed = (SELECT sealed FROM totp WHERE account_id = ?) WHERE account_id = ?",
             {mallory.id, alice_.id});
  EXPECT_THAT(verify(known), FailsWith(Errc::corrupt));
}

TEST_P(TotpTest, EachSeedIsItsOwn) {
  const auto first = all_.totp.begin(alice_, some_origin());
  const auto second = all_.totp.begin(alice_, some_origin());
  ASSERT_THAT(second, Succeeds());
  EXPECT_NE(first->seed.reveal(), second->seed.reveal());
  EXPECT_THAT(all_.totp.confirm(alice_, code(testing::seed_bytes(*first)), some_origin()),
              FailsWith(Errc::unauthenticated))
      << "the first was replaced";
  EXPECT_THAT(all_.totp.confirm(alice_, code(testing::seed_bytes(*second)), some_origin()), Succeeds());
}

TEST_P(TotpTest, AConfirmedEnrolmentIsNotReplaced) {
  const std::string seed = all_.enrol_totp(alice_);
  EXPECT_THAT(all_.totp.begin(alice_, some_origin()), FailsWith(Errc::conflict));
  EXPECT_THAT(all_.totp.confirm(alice_, code(seed), some_origin()), FailsWith(Errc::conflict));
  EXPECT_THAT(verify(seed), Succeeds());
}

TEST_P(TotpTest, NothingVerifiesBeforeItIsConfirmed) {
  EXPECT_THAT(all_.totp.confirm(alice_, code("seed"), some_origin()), FailsWith(Errc::conflict));
  const auto enrolment = all_.totp.begin(alice_, some_origin()).value();
  EXPECT_THAT(verify(testing::seed_bytes(enrolment)), FailsWith(Errc::unauthenticated));
}

TEST_P(TotpTest, AcceptsOneStepEitherWayAndNoMore) {
  const std::string seed = all_.enrol_totp(alice_);
  all_.clock.advance(10min);
  EXPECT_THAT(verify(seed, -2), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(verify(seed, 2), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(verify(seed, -1), Succeeds());
  EXPECT_THAT(verify(seed, 0), Succeeds());
  EXPECT_THAT(verify(seed, 1), Succeeds());
}

TEST_P(TotpTest, ACodeIsUsedOnceAndEndsThoseBeforeIt) {
  const std::string seed = all_.enrol_totp(alice_);
  EXPECT_THAT(verify(seed, -1), FailsWith(Errc::unauthenticated)) << "the code that confirmed was used";
  EXPECT_THAT(verify(seed), Succeeds());
  EXPECT_THAT(verify(seed), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(verify(seed, 1), Succeeds());
  EXPECT_THAT(verify(seed, 0), FailsWith(Errc::unauthenticated));
}

TEST_P(TotpTest, AClockThatWasSetBackLetsNoCodeInAgain) {
  const std::string seed = all_.enrol_totp(alice_);
  EXPECT_THAT(verify(seed), Succeeds());
  all_.clock.advance(-1h);
  EXPECT_THAT(verify(seed), FailsWith(Errc::unauthenticated));
  all_.clock.advance(1h + 30s);
  EXPECT_THAT(verify(seed), Succeeds());
}

TEST_P(TotpTest, OneOfManyThatComeWithACodeAtOnceGetsIn) {
  const std::string seed = all_.enrol_totp(alice_);
  CodeLimiter unlimited(all_.clock,
                        {.per_source = 1000, .window = 1h, .in_all = 0, .per_network = 0, .remembered = 10});
  Totp totp(*all_.database, all_.sealer, unlimited, all_.clock, "x", all_.log_ins_ended());
  std::atomic<int> succeeded{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      const auto outcome = totp.verify(alice_, code(seed), {"home"});
      succeeded += outcome.has_value();
      refused += outcome.has_error() && outcome.error().code == Errc::unauthenticated;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(succeeded, 1);
  EXPECT_EQ(refused, 7);
}

TEST_P(TotpTest, ASeedThatIsSealedAnewMeanwhileStillVerifies) {
  const std::string seed = all_.enrol_totp(alice_);
  // A rotation comes between reading the seed and marking the step: the same seed, written differently.
  int opened = 0;
  all_.sealer.before_open = [&] {
    if (++opened > 1) return;
    const crypto::SealContext place{.table = "totp", .row = alice_.id, .column = "sealed"};
    all_.write("UPDATE totp SET sealed = ?", {all_.sealer.seal(place, Secret<>(std::string(seed))).value()});
  };
  EXPECT_THAT(verify(seed), Succeeds());
  EXPECT_EQ(opened, 2);
}

TEST_P(TotpTest, AnEnrolmentThatEndsMeanwhileVerifiesNothing) {
  const std::string seed = all_.enrol_totp(alice_);
  all_.sealer.before_open = [&] { all_.write("DELETE FROM totp"); };
  EXPECT_THAT(verify(seed), FailsWith(Errc::unauthenticated));
}

TEST_P(TotpTest, RefusesAllCodesAfterTooManyWrongOnes) {
  const std::string seed = all_.enrol_totp(alice_);
  for (int i = 0; i < 5; ++i) EXPECT_THAT(verify(seed, 50), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(verify(seed), FailsWith(Errc::rate_limited));
  all_.clock.advance(10min);
  EXPECT_THAT(verify(seed), Succeeds());
}

TEST_P(TotpTest, ReadsCodesAsPeopleTypeThemAndNothingElse) {
  const std::string seed = all_.enrol_totp(alice_);
  const std::string right(code(seed).reveal());
  EXPECT_THAT(all_.totp.verify(alice_, Secret<>(right + "0"), {"home"}), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(all_.totp.verify(alice_, Secret<>(std::string()), {"home"}), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(all_.totp.verify(alice_, Secret<>(std::string(1'000'000, '1')), {"home"}),
              FailsWith(Errc::unauthenticated));
  EXPECT_THAT(all_.totp.verify(alice_, Secret<>(right.substr(0, 3) + " " + right.substr(3)), {"home"}),
              Succeeds());
}

TEST_P(TotpTest, RemovalEndsItAndItsRecoveryCodes) {
  EXPECT_THAT(all_.totp.remove(alice_, some_origin()), FailsWith(Errc::not_found));
  const std::string seed = all_.enrol_totp(alice_);
  ASSERT_THAT(all_.recovery_codes.regenerate(alice_, some_origin()), Succeeds());
  ASSERT_THAT(all_.totp.remove(alice_, some_origin()), Succeeds());
  EXPECT_EQ(all_.last_event().action, "totp_removed");
  EXPECT_THAT(verify(seed), FailsWith(Errc::unauthenticated));
  EXPECT_FALSE(all_.mfa.enrolled(alice_.id).value());
  EXPECT_TRUE(all_.read("SELECT account_id FROM recovery_codes").empty());
  EXPECT_THAT(all_.totp.begin(alice_, some_origin()), Succeeds());
}

TEST_P(TotpTest, IsOneAccountsOwn) {
  const std::string seed = all_.enrol_totp(alice_);
  const Account bob = all_.add_account("bob");
  EXPECT_THAT(all_.totp.verify(bob, code(seed), {"home"}), FailsWith(Errc::unauthenticated));
  all_.enrol_totp(bob);
  EXPECT_THAT(all_.totp.verify(bob, code(seed), {"home"}), FailsWith(Errc::unauthenticated));
}

INSTANTIATE_TEST_SUITE_P(Engines, TotpTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

#include "identity/factors/mfa.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/testing/database_contract.h"
#include "identity/factors/testing/authenticator.h"
#include "identity/login/testing/second_factors.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::Authenticator;
using testing::some_origin;

class MfaTest : public ::testing::TestWithParam<Engine> {
 protected:
  Result<void> verify(std::string code) {
    return all_.mfa.verify(alice_, Secret<>(std::move(code)), some_origin());
  }
  std::string last_failure() {
    const auto events = all_.journal.events();
    if (events.empty() || events.back().action != audit::Action::login_failed) return "none";
    return events.back().target + " " + events.back().detail;
  }
  void add_key(Authenticator& authenticator) {
    const auto options = all_.webauthn.registration_options(alice_).value();
    ASSERT_THAT(
        all_.webauthn.register_credential(alice_, "key", authenticator.create(options), some_origin()),
        Succeeds());
  }

  testing::SecondFactors all_{GetParam()};
  Account alice_ = all_.add_account("alice");
};

TEST_P(MfaTest, TellsWhatAnAccountHas) {
  const auto has = [&](bool totp, std::int64_t webauthn, std::int64_t codes) {
    const auto factors = all_.mfa.factors(alice_.id).value();
    return factors.totp == totp && factors.webauthn == webauthn && factors.recovery_codes == codes &&
           factors.enrolled() == (totp || webauthn > 0) &&
           all_.mfa.enrolled(alice_.id).value() == factors.enrolled();
  };
  EXPECT_TRUE(has(false, 0, 0));
  ASSERT_THAT(all_.totp.begin(alice_, some_origin()), Succeeds());
  EXPECT_TRUE(has(false, 0, 0));
  all_.enrol_totp(alice_);
  EXPECT_TRUE(has(true, 0, 0));
  ASSERT_THAT(all_.recovery_codes.regenerate(alice_, some_origin()), Succeeds());
  EXPECT_TRUE(has(true, 0, 10));
  Authenticator authenticator;
  add_key(authenticator);
  EXPECT_TRUE(has(true, 1, 10));
  ASSERT_THAT(all_.totp.remove(alice_, some_origin()), Succeeds());
  EXPECT_TRUE(has(false, 1, 10)) << "the codes stand in for the key that is left";
  EXPECT_FALSE(all_.mfa.enrolled(alice_.id + 1).value());
}

TEST_P(MfaTest, TakesEitherKindOfCode) {
  const std::string seed = all_.enrol_totp(alice_);
  const auto codes = all_.recovery_codes.regenerate(alice_, some_origin()).value();
  const std::string code(testing::code_of(seed, all_.clock.now()).reveal());
  EXPECT_THAT(verify(code.substr(0, 3) + " " + code.substr(3)), Succeeds());
  EXPECT_THAT(verify(codes[0].reveal()), Succeeds());
  EXPECT_TRUE(all_.journal.events().empty()) << "the log-in that they are part of journals its success";
}

TEST_P(MfaTest, TakesASecurityKeysAnswer) {
  Authenticator authenticator;
  add_key(authenticator);
  EXPECT_THAT(all_.mfa.verify(alice_, authenticator.get(all_.webauthn.assertion_options(alice_).value()),
                              some_origin()),
              Succeeds());
  EXPECT_TRUE(all_.journal.events().empty());
  Authenticator other;
  EXPECT_THAT(
      all_.mfa.verify(alice_, other.get(all_.webauthn.assertion_options(alice_).value()), some_origin()),
      FailsWith(Errc::unauthenticated));
  EXPECT_EQ(last_failure(), "alice wrong_authenticator");
}

TEST_P(MfaTest, GivesOneAnswerToAllThatIsWrongAndJournalsIt) {
  const std::string seed = all_.enrol_totp(alice_);
  const std::string right(testing::code_of(seed, all_.clock.now()).reveal());
  EXPECT_THAT(verify(right), Succeeds());
  const auto used = verify(right);
  EXPECT_THAT(used, FailsWith(Errc::unauthenticated));
  EXPECT_EQ(last_failure(), "alice wrong_code");
  EXPECT_EQ(verify("AAAA-AAAA-AAAA-AAAA").error(), used.error());
  EXPECT_EQ(verify("").error(), used.error());
  EXPECT_EQ(verify(std::string(1'000'000, '1')).error(), used.error());
  EXPECT_EQ(verify(std::string("\0\xff", 2)).error(), used.error());
  EXPECT_EQ(all_.journal.events().size(), 5u);

  for (int i = 0; i < 4; ++i) EXPECT_EQ(verify("00000" + std::to_string(i)).error(), used.error());
  EXPECT_THAT(verify(right), FailsWith(Errc::rate_limited));
  EXPECT_EQ(last_failure(), "alice second_factor_rate_limited");
  for (const auto& event : all_.journal.events()) {
    EXPECT_EQ(event.origin.address, some_origin().address);
    EXPECT_EQ(event.detail.find(right), std::string::npos);
  }
}

TEST_P(MfaTest, AnAccountWithoutAFactorHasNoRightCode) {
  EXPECT_THAT(verify("123456"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(verify("AAAA-AAAA-AAAA-AAAA"), FailsWith(Errc::unauthenticated));
}

TEST_P(MfaTest, AnAdministratorsResetTakesEverythingAndIsEvidence) {
  EXPECT_THAT(all_.mfa.reset(alice_, some_origin()), FailsWith(Errc::not_found));
  const std::string seed = all_.enrol_totp(alice_);
  const auto codes = all_.recovery_codes.regenerate(alice_, some_origin()).value();
  Authenticator authenticator;
  add_key(authenticator);
  const std::string options = all_.webauthn.assertion_options(alice_).value();
  const Account bob = all_.add_account("bob");
  all_.enrol_totp(bob);

  ASSERT_THAT(all_.mfa.reset(alice_, some_origin()), Succeeds());
  const auto event = all_.last_event();
  EXPECT_EQ(event.action, "mfa_reset");
  EXPECT_EQ(event.account, some_origin().account);
  EXPECT_EQ(event.target, "alice");
  EXPECT_EQ(event.detail, R"({"totp":1,"recovery_codes":10,"webauthn":1,"access_tokens":0})");
  EXPECT_FALSE(all_.mfa.enrolled(alice_.id).value());
  EXPECT_TRUE(all_.mfa.enrolled(bob.id).value());
  EXPECT_THAT(verify(std::string(testing::code_of(seed, all_.clock.now()).reveal())),
              FailsWith(Errc::unauthenticated));
  EXPECT_THAT(verify(codes[0].reveal()), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(all_.mfa.verify(alice_, authenticator.get(options), some_origin()),
              FailsWith(Errc::unauthenticated));
  for (const char* table : {"totp", "recovery_codes", "webauthn_credentials", "webauthn_challenges"})
    EXPECT_TRUE(
        all_.read("SELECT account_id FROM " + std::string(table) + " WHERE account_id = ?", {alice_.id})
            .empty())
        << table;
}

INSTANTIATE_TEST_SUITE_P(Engines, MfaTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity

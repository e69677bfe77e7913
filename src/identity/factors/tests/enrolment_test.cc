// What enrolling a second factor, and an administrator's reset, do to who is logged in already.
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
using testing::code_of;
using testing::some_origin;

class EnrolmentTest : public ::testing::TestWithParam<Engine> {
 protected:
  static constexpr std::string_view kHome = "192.0.2.7";

  Account now(const Account& account) { return all_.accounts.find(account.id).value(); }
  Sessions::Started log_in(const Account& account) {
    return all_.sessions.start(now(account), false, some_origin()).value();
  }
  Result<Sessions::Checked> use(const Sessions::Started& started) {
    if (auto known = all_.sessions.peek(started.secret.reveal(), kHome)) return *std::move(known);
    return all_.sessions.verify(started.secret.reveal(), kHome);
  }
  Result<void> enrol_totp(std::int64_t session_id) {
    const auto enrolment = all_.totp.begin(alice_, some_origin()).value();
    return all_.totp.confirm(alice_, code_of(testing::seed_bytes(enrolment), all_.clock.now()), some_origin(),
                             session_id);
  }
  Result<WebAuthn::Credential> enrol_key(Authenticator& authenticator, std::int64_t session_id) {
    const auto options = all_.webauthn.registration_options(alice_).value();
    return all_.webauthn.register_credential(alice_, "key", authenticator.create(options), some_origin(),
                                             session_id);
  }

  testing::SecondFactors all_{GetParam()};
  Account alice_ = all_.add_account("alice");
  Account bob_ = all_.add_account("bob");
};

TEST_P(EnrolmentTest, OfAnAppEndsWhatWasLoggedInWithoutItButForItsOwnSession) {
  const auto enrolling = log_in(alice_);
  const auto other = log_in(alice_);
  const auto bobs = log_in(bob_);
  for (const auto* each : {&enrolling, &other, &bobs}) ASSERT_THAT(use(*each), Succeeds());
  all_.clock.advance(1h);
  ASSERT_THAT(enrol_totp(enrolling.session.id), Succeeds());
  EXPECT_EQ(now(alice_).credential_version, alice_.credential_version + 1)
      << "bearer tokens carry the old one";
  EXPECT_THAT(use(other), FailsWith(Errc::unauthenticated));
  const auto checked = use(enrolling);
  ASSERT_THAT(checked, Succeeds());
  EXPECT_TRUE(checked->session->multi_factor);
  EXPECT_EQ(checked->session->proved_at, all_.clock.now());
  EXPECT_THAT(use(bobs), Succeeds());
  EXPECT_EQ(now(bob_).credential_version, bob_.credential_version);
}

TEST_P(EnrolmentTest, OfASecurityKeyDoesTheSame) {
  const auto enrolling = log_in(alice_);
  const auto other = log_in(alice_);
  Authenticator authenticator;
  ASSERT_THAT(enrol_key(authenticator, enrolling.session.id), Succeeds());
  EXPECT_EQ(now(alice_).credential_version, alice_.credential_version + 1);
  EXPECT_THAT(use(other), FailsWith(Errc::unauthenticated));
  ASSERT_THAT(use(enrolling), Succeeds());
  EXPECT_TRUE(use(enrolling)->session->multi_factor);
}

TEST_P(EnrolmentTest, ThatFailsEndsNothing) {
  const auto session = log_in(alice_);
  ASSERT_THAT(all_.totp.begin(alice_, some_origin()), Succeeds());
  EXPECT_THAT(all_.totp.confirm(alice_, Secret<>("000000x"), some_origin(), session.session.id),
              FailsWith(Errc::unauthenticated));
  Authenticator authenticator;
  const std::string options = all_.webauthn.registration_options(alice_).value();
  const auto response = authenticator.create(options);
  ASSERT_THAT(all_.webauthn.register_credential(bob_, "key", response, some_origin()),
              FailsWith(Errc::unauthenticated));
  EXPECT_EQ(now(alice_).credential_version, alice_.credential_version);
  ASSERT_THAT(use(session), Succeeds());
  EXPECT_FALSE(use(session)->session->multi_factor);
}

TEST_P(EnrolmentTest, RevivesNoSessionThatHadEndedAndNobodyElses) {
  const auto ended = log_in(alice_);
  const auto bobs = log_in(bob_);
  // As a change of the password does.
  all_.write("UPDATE accounts SET credential_version = credential_version + 1 WHERE id = ?", {alice_.id});
  all_.accounts.forget(alice_.id);
  ASSERT_THAT(use(ended), FailsWith(Errc::unauthenticated));
  ASSERT_THAT(enrol_totp(ended.session.id), Succeeds());
  EXPECT_THAT(use(ended), FailsWith(Errc::unauthenticated));
  Authenticator authenticator;
  ASSERT_THAT(enrol_key(authenticator, bobs.session.id), Succeeds());
  ASSERT_THAT(use(bobs), Succeeds());
  EXPECT_FALSE(use(bobs)->session->multi_factor);
}

TEST_P(EnrolmentTest, OverlapsWithNoLogInThatHadNotSeenIt) {
  const Account before = now(alice_);
  ASSERT_THAT(enrol_totp(0), Succeeds());
  EXPECT_THAT(all_.sessions.start(before, false, some_origin()), FailsWith(Errc::unauthenticated));
}

TEST_P(EnrolmentTest, AnAdministratorsResetEndsAllLogIns) {
  const auto session = log_in(alice_);
  ASSERT_THAT(all_.mfa.reset(alice_, some_origin()), FailsWith(Errc::not_found));
  ASSERT_THAT(use(session), Succeeds()) << "nothing was there to reset";
  ASSERT_THAT(enrol_totp(session.session.id), Succeeds());
  ASSERT_THAT(use(session), Succeeds());
  const auto bobs = log_in(bob_);
  const auto version = now(alice_).credential_version;
  ASSERT_THAT(all_.mfa.reset(alice_, some_origin()), Succeeds());
  EXPECT_EQ(now(alice_).credential_version, version + 1);
  EXPECT_THAT(use(session), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(bobs), Succeeds());
  EXPECT_THAT(use(log_in(alice_)), Succeeds());
}

INSTANTIATE_TEST_SUITE_P(Engines, EnrolmentTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
